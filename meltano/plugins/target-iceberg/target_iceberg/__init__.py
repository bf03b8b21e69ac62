"""Singer target that commits rows and bookmark to an Iceberg table in one compare-and-set."""
