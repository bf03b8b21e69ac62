"""DuckDB's extensions as wheels: the authority on how a connection gets them without downloading anything."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from duckdb import DuckDBPyConnection

from ecommerce_pipeline.lakehouse.errors import LakehouseError

NEEDED = ("avro", "httpfs", "iceberg")


def load(connection: DuckDBPyConnection) -> None:
    """Load what reading and writing Iceberg needs; raises LakehouseError naming a missing wheel."""
    for name in NEEDED:
        connection.execute(f"load '{_file(name)}'")


def _file(name: str) -> Path:
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (package.submodule_search_locations or []) if package else []:
        for file in Path(folder).rglob("*.duckdb_extension"):
            return file
    raise LakehouseError(
        f"DuckDB's extension {name!r} is not installed (package duckdb-extension-{name}). Next: `make setup`"
    )
