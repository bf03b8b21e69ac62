"""The lake: one Iceberg catalog that is branched and published, its door for DuckDB, its leases and its upkeep."""
