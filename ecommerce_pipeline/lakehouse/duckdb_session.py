"""A DuckDB connection that knows the lake: the authority on extensions and on attaching a door.

The extensions come as wheels, so that nothing is downloaded. DuckDB would hash all 80 MB of them at every connection to
check their signature (0.4 s); the lock file has pinned the wheels' hashes, so that check is off while they load, and on
again afterwards.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from duckdb import DuckDBPyConnection

from ecommerce_pipeline.lakehouse.errors import LakehouseError
from ecommerce_pipeline.lakehouse.rest_door.server import Door

EXTENSIONS = ("avro", "httpfs", "iceberg")
CONFIG = {"allow_unsigned_extensions": "true"}  # what a connection must be opened with for `attach`


def attach(connection: DuckDBPyConnection, door: Door) -> None:
    """Make the door's tables known to the connection as lake.<schema>.<table>, times in UTC; raises LakehouseError."""
    for name in EXTENSIONS:
        connection.execute(f"load '{_file(name)}'")
    connection.execute("set allow_unsigned_extensions = false")
    connection.execute("set TimeZone = 'UTC'")
    only = ", read_only" if door.shelf.read_only else ""
    connection.execute(f"attach 'lake' as lake (type iceberg, authorization_type 'none', endpoint '{door.url}'{only})")


def _file(name: str) -> Path:
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (package.submodule_search_locations or []) if package else []:
        for file in Path(folder).rglob("*.duckdb_extension"):
            return file
    raise LakehouseError(
        f"DuckDB's extension {name!r} is not installed (package duckdb-extension-{name}). Next: `make setup`"
    )
