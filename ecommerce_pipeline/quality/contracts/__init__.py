"""What the sources promise: a contract a stream (dbt/contracts/), read, checked, and written out where it is needed."""
