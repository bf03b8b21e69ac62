"""What the ingestion is measured against; each program prints its rows and seconds as JSON on its last line."""
