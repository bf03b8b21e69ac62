"""Singer tap for JSON lines and CSV files, with one bookmark for many files and a position for every rejected line."""
