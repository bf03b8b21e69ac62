"""`shopsphere`, the command line: one file a command group, each command a call of one function elsewhere."""
