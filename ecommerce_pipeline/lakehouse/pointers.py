"""The catalog's pointers in SQL: the authority on reading and moving them.

A pointer is a row of `iceberg_tables`: catalog (= branch), namespace, table → metadata file. Every move is a
compare-and-set, so that a lost race shows as a false answer and never as a lost commit. A pointer that is given up is
retired, not forgotten: readers may have it pinned.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple, cast

from pyiceberg.catalog.sql import IcebergTables
from sqlalchemy import Connection, Table, and_, delete, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from ecommerce_pipeline.lakehouse.database import retired_pointers

rows = cast(Table, IcebergTables.__table__)
TEMPORARY = "__dbt_tmp"  # suffix of what dbt builds on the way; never published


class Name(NamedTuple):
    """Address of a table within a branch."""

    namespace: str
    table: str

    def __str__(self) -> str:
        return f"{self.namespace}.{self.table}"


class Pointer(NamedTuple):
    """Where a table stands: its metadata file, and TABLE or VIEW."""

    location: str
    kind: str | None


def now_ms() -> int:
    """The moment, in milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def read_all(connection: Connection, branch: str) -> dict[Name, Pointer]:
    """All pointers of a branch, in one query: one moment."""
    query = select(rows.c.table_namespace, rows.c.table_name, rows.c.metadata_location, rows.c.iceberg_type).where(
        rows.c.catalog_name == branch, rows.c.metadata_location.is_not(None)
    )
    return {Name(r[0], r[1]): Pointer(r[2], r[3]) for r in connection.execute(query.order_by(*query.selected_columns))}


def move(connection: Connection, branch: str, name: Name, base: str, new: str) -> bool:
    """Point a table at `new` if it still points at `base`."""
    change = update(rows).where(_is(branch, name), rows.c.metadata_location == base)
    moved = connection.execute(change.values(metadata_location=new, previous_metadata_location=base))
    return moved.rowcount == 1


def add(connection: Connection, branch: str, name: Name, pointer: Pointer) -> bool:
    """Register a table unless the name is taken."""
    if connection.execute(select(rows.c.table_name).where(_is(branch, name))).first():
        return False
    values = {
        "catalog_name": branch,
        "table_namespace": name.namespace,
        "table_name": name.table,
        "metadata_location": pointer.location,
        "iceberg_type": pointer.kind,
    }
    connection.execute(insert(rows).values(values))
    return True


def remove(connection: Connection, branch: str, name: Name, base: str | None = None) -> bool:
    """Unregister a table, if `base` is given only while it still points there. No file is touched."""
    change = delete(rows).where(_is(branch, name))
    if base is not None:
        change = change.where(rows.c.metadata_location == base)
    return connection.execute(change).rowcount == 1


def retire(connection: Connection, locations: Iterable[str]) -> None:
    """Remember that these metadata files were current until now."""
    at = now_ms()
    for location in sorted(set(locations)):
        known = update(retired_pointers).where(retired_pointers.c.metadata_location == location)
        if connection.execute(known.values(retired_at=at)).rowcount == 0:
            connection.execute(insert(retired_pointers).values(metadata_location=location, retired_at=at))


def _is(branch: str, name: Name) -> ColumnElement[bool]:
    return and_(
        rows.c.catalog_name == branch, rows.c.table_namespace == name.namespace, rows.c.table_name == name.table
    )
