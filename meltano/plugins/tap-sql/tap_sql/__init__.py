"""Singer tap that reads PostgreSQL and MySQL exactly and hands whole Parquet batches over."""
