"""From the source systems into raw tables: Meltano's runs as assets, one a stream."""
