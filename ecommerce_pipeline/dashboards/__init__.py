"""Superset: the dashboards that read the marts."""
