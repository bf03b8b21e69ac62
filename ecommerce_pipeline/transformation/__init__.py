"""The dbt project as assets: every model is one, built on a branch of the catalog and published all at once."""
