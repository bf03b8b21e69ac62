"""Publication: a branch becomes what everybody reads, all of it or nothing.

One SQL transaction moves every pointer the branch changed, each only if production still stands where the branch
started; one that does not, and nothing moves. The tables' histories go on: the metadata files that become current carry
the snapshots that were there before.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from sqlalchemy import Connection

from ecommerce_pipeline.lakehouse import branch as branching
from ecommerce_pipeline.lakehouse import contents, database, pointers
from ecommerce_pipeline.lakehouse.branch import Change
from ecommerce_pipeline.lakehouse.catalog import catalog_properties, check_warehouse
from ecommerce_pipeline.lakehouse.contents import EMPTY, Contents
from ecommerce_pipeline.lakehouse.errors import PublicationConflict
from ecommerce_pipeline.lakehouse.lease import Lease
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.settings import Settings

Kind = Literal["changed", "created", "removed"]


class PublishedTable(NamedTuple):
    """One table of a publication: where it stood, where it stands, and what it holds now."""

    name: Name
    change: Kind
    base_location: str | None
    location: str | None
    contents: Contents


class Publication(NamedTuple):
    """What a publication changed, by table; what the branch left alone is not in it."""

    branch: str
    base: str
    tables: tuple[PublishedTable, ...]

    @property
    def changed(self) -> tuple[PublishedTable, ...]:
        """Tables that were there and differ now."""
        return self._of("changed")

    @property
    def created(self) -> tuple[PublishedTable, ...]:
        """Tables that were not there."""
        return self._of("created")

    @property
    def removed(self) -> tuple[PublishedTable, ...]:
        """Tables that are no longer registered; their files wait for the sweep."""
        return self._of("removed")

    def _of(self, kind: Kind) -> tuple[PublishedTable, ...]:
        return tuple(table for table in self.tables if table.change == kind)


def publish(settings: Settings, branch: str, lease: Lease | None = None) -> Publication:
    """Publish a branch onto its base and forget it; with a lease only if that is still held when the pointers move.

    Raises PublicationConflict, naming the table, if somebody committed to one that the branch changed, BranchError if
    there is no such branch, and LeaseLost; the branch and production are then as they were.
    """
    check_warehouse(settings)
    with database.snapshot(settings) as connection:
        planned = branching.changes(connection, branch)
    tables = _measure(settings, planned)  # before the transaction: afterwards nothing may fail any more
    with database.transaction(settings) as connection:
        if lease is not None:
            lease.check(connection)  # whoever took it over may have made the branch anew under the same name
        base = branching.require(connection, branch)
        if branching.changes(connection, branch) != planned:
            raise PublicationConflict(
                f"branch {branch!r} was written to while it was being published; nothing was published. "
                "Next: wait until nobody builds on it, then publish again"
            )
        branching.copy_namespaces(connection, branch, base)
        for change in planned:
            _apply(connection, branch, base, change)
        pointers.retire(connection, [change.base for change in planned if change.base])
        branching.forget(connection, branch)
    return Publication(branch, base, tables)


def _apply(connection: Connection, branch: str, base: str, change: Change) -> None:
    name, start, pointer = change
    if pointer is None:
        done = pointers.remove(connection, base, name, start)
    elif start is None:
        done = pointers.add(connection, base, name, pointer)
    else:
        done = pointers.move(connection, base, name, start, pointer.location)
    if not done:
        raise PublicationConflict(
            f"{name} was changed in `{base}` after branch {branch!r} started from it, so publishing would lose that "
            f"change; nothing was published. Next: `shopsphere branch drop {branch}` and build again from `{base}`"
        )


def _measure(settings: Settings, planned: list[Change]) -> tuple[PublishedTable, ...]:
    properties = catalog_properties(settings)
    with ThreadPoolExecutor(max_workers=4) as pool:
        held = list(pool.map(lambda c: contents.of_pointer(properties, c.pointer) if c.pointer else EMPTY, planned))
    return tuple(
        PublishedTable(c.name, _kind(c), c.base, c.pointer.location if c.pointer else None, holds)
        for c, holds in zip(planned, held, strict=True)
    )


def _kind(change: Change) -> Kind:
    if change.pointer is None:
        return "removed"
    return "created" if change.base is None else "changed"
