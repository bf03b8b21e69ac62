"""The Iceberg REST protocol over the lake's own catalog, in process and on loopback.

DuckDB writes Iceberg only through a REST catalog. This room speaks as much of that protocol as DuckDB asks for, over
the same SQL catalog that PyIceberg and Trino use. It never deletes a file: a branch shares its files with production,
so a drop only unregisters the table and the sweep reclaims what nothing can reach.
"""

from ecommerce_pipeline.lakehouse.rest_door.server import Door, serve

__all__ = ["Door", "serve"]
