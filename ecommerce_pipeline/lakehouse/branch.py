"""Branches of the lake: the authority on making, listing and dropping them.

A branch is a copy of the catalog's pointers under another catalog name: a few milliseconds, no file is copied. What it
started from is kept beside it, because a model may commit more than once on the branch, and publication must compare
with the start. Nothing on a branch may delete a file: production and the branch share them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pyiceberg.catalog.sql import IcebergNamespaceProperties
from sqlalchemy import Connection, delete, insert, select

from ecommerce_pipeline.lakehouse import database, pointers
from ecommerce_pipeline.lakehouse.catalog import LAKE, check_warehouse
from ecommerce_pipeline.lakehouse.database import branch_bases, branches
from ecommerce_pipeline.lakehouse.errors import BranchError
from ecommerce_pipeline.lakehouse.pointers import TEMPORARY, Name, Pointer
from ecommerce_pipeline.settings import Settings

CANDIDATE = "lake_next"  # the branch that production's runs build on; every other one is a person's
KEPT = timedelta(days=14)  # from its making: its files are safe so long, then it is production's turn to be cleaned
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
namespaces = IcebergNamespaceProperties


class Branch(NamedTuple):
    """A branch as it stands: `changes` counts the tables that publication would change."""

    name: str
    base: str
    created_at: datetime
    changes: int

    @property
    def kept_until(self) -> datetime:
        """When upkeep drops it (UTC), unless somebody builds on it at that moment."""
        return self.created_at + KEPT


class Change(NamedTuple):
    """A table that differs from what the branch started from; None is "was not there" or "is not there"."""

    name: Name
    base: str | None
    pointer: Pointer | None


def create(settings: Settings, name: str, base: str = LAKE) -> Branch:
    """Branch off `base` as it is now; raises BranchError if the name is taken or cannot be one."""
    _check_name(name)
    check_warehouse(settings)
    with database.transaction(settings) as connection:
        known = _names(connection)
        if name in known:
            raise BranchError(
                f"there is a branch {name!r} already. Next: `shopsphere branch publish {name}`, "
                f"`shopsphere branch drop {name}`, or take another name"
            )
        if base not in {LAKE, *known}:
            raise BranchError(f"there is no branch {base!r} to start from. Next: `shopsphere branch list`")
        created_at = pointers.now_ms()
        connection.execute(insert(branches).values(name=name, base=base, created_at=created_at))
        _copy(connection, base, name)
    return Branch(name, base, _moment(created_at), 0)


def list_branches(settings: Settings) -> list[Branch]:
    """Every branch but production, by name."""
    with database.snapshot(settings) as connection:
        found = connection.execute(select(branches).order_by(branches.c.name)).all()
        return [Branch(b.name, b.base, _moment(b.created_at), len(changes(connection, b.name))) for b in found]


def drop(settings: Settings, name: str) -> None:
    """Forget a branch and what it changed; production is not touched. Raises BranchError if there is none."""
    with database.transaction(settings) as connection:
        require(connection, name)
        pointers.retire(connection, [c.pointer.location for c in changes(connection, name) if c.pointer])
        forget(connection, name)


def require(connection: Connection, name: str) -> str:
    """The base of a branch, which is locked until the transaction ends; raises BranchError if there is none."""
    base = connection.scalar(select(branches.c.base).where(branches.c.name == name).with_for_update())
    if base is None:
        known = ", ".join(_names(connection)) or "none"
        raise BranchError(f"there is no branch {name!r}; there are: {known}. Next: `shopsphere branch list`")
    return str(base)


def changes(connection: Connection, name: str) -> list[Change]:
    """What publication would change, by table; what dbt builds on the way is left out."""
    query = select(branch_bases.c.table_namespace, branch_bases.c.table_name, branch_bases.c.metadata_location)
    bases = {Name(r[0], r[1]): r[2] for r in connection.execute(query.where(branch_bases.c.branch == name))}
    now = {n: p for n, p in pointers.read_all(connection, name).items() if not n.table.endswith(TEMPORARY)}
    return [
        Change(table, bases.get(table), now.get(table))
        for table in sorted(bases.keys() | now.keys())
        if bases.get(table) != (now[table].location if table in now else None)
    ]


def forget(connection: Connection, name: str) -> None:
    """Remove every row of a branch; its files stay for the sweep."""
    children = list(connection.scalars(select(branches.c.name).where(branches.c.base == name)))
    if children:
        raise BranchError(f"branch {name!r} is the base of {', '.join(children)}. Next: publish or drop these first")
    connection.execute(delete(pointers.rows).where(pointers.rows.c.catalog_name == name))
    connection.execute(delete(namespaces).where(namespaces.catalog_name == name))
    connection.execute(delete(branch_bases).where(branch_bases.c.branch == name))
    connection.execute(delete(branches).where(branches.c.name == name))


def copy_namespaces(connection: Connection, source: str, target: str) -> None:
    """Give `target` the schemas of `source` that it lacks."""
    columns = (namespaces.namespace, namespaces.property_key, namespaces.property_value)
    there = set(connection.execute(select(*columns[:2]).where(namespaces.catalog_name == target)).tuples())
    for namespace, key, value in connection.execute(select(*columns).where(namespaces.catalog_name == source)).all():
        if (namespace, key) not in there:
            row = {"namespace": namespace, "property_key": key, "property_value": value}
            connection.execute(insert(namespaces).values(catalog_name=target, **row))


def _copy(connection: Connection, base: str, name: str) -> None:
    copied = {n: p for n, p in pointers.read_all(connection, base).items() if not n.table.endswith(TEMPORARY)}
    copy_namespaces(connection, base, name)
    if not copied:
        return
    tables = [
        {"table_namespace": n.namespace, "table_name": n.table, "metadata_location": p.location}
        for n, p in copied.items()
    ]
    kinds = [p.kind for p in copied.values()]
    connection.execute(
        insert(pointers.rows),
        [
            {**t, "catalog_name": name, "previous_metadata_location": t["metadata_location"], "iceberg_type": k}
            for t, k in zip(tables, kinds, strict=True)
        ],
    )
    connection.execute(insert(branch_bases), [{**t, "branch": name} for t in tables])


def _check_name(name: str) -> None:
    if name == LAKE or not _NAME.fullmatch(name):
        raise BranchError(
            f"{name!r} cannot be a branch's name: a letter, then up to 40 of a-z, 0-9 and _; `{LAKE}` is production. "
            "Next: choose another"
        )


def _names(connection: Connection) -> list[str]:
    return list(connection.scalars(select(branches.c.name).order_by(branches.c.name)))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
