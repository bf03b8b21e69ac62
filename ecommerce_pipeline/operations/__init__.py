"""How the graph is run: jobs, schedules, partitions, freshness, the Dagster instance, and the record of every run."""
