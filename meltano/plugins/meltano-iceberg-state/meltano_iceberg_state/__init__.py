"""Meltano state backend that reads bookmarks from the Iceberg tables they were committed with."""
