"""The source systems as the graph sees them: tables that others write, observed where lineage begins."""
