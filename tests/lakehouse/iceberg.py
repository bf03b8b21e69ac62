"""Small Iceberg tables for tests, written by PyIceberg: quick, and another writer than DuckDB."""

from __future__ import annotations

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog

from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.settings import Settings


def write(settings: Settings, table: str, version: int, branch: str = "lake", properties: dict[str, str] | None = None):
    """Make a table hold three rows of this version, creating it if need be; the table as it then is."""
    rows = pa.table({"id": pa.array(range(3), pa.int64()), "version": pa.array([version] * 3, pa.int64())})
    with open_catalog(settings, branch) as catalog:
        namespace = table.split(".", maxsplit=1)[0]
        catalog.create_namespace_if_not_exists(namespace)
        opened = catalog.create_table_if_not_exists(table, rows.schema)
        if opened.current_snapshot() is None:
            opened.append(rows, snapshot_properties=properties or {})
        else:
            opened.overwrite(rows, snapshot_properties=properties or {})
        return opened


def versions(settings: Settings, branch: str = "lake") -> dict[str, int]:
    """Every table of a branch with the version it holds; fails if one holds two."""
    with open_catalog(settings, branch) as catalog:
        return {".".join(name): _version(catalog, name) for name in _tables(catalog)}


def _tables(catalog: SqlCatalog) -> list[tuple[str, ...]]:
    return sorted(name for namespace in catalog.list_namespaces() for name in catalog.list_tables(namespace))


def _version(catalog: SqlCatalog, name: tuple[str, ...]) -> int:
    rows = catalog.load_table(name).scan().to_arrow()
    (version,) = set(rows.column("version").to_pylist())
    assert sorted(rows.column("id").to_pylist()) == [0, 1, 2]
    return version
