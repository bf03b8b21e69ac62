"""Upkeep of the lake: the authority on how long history is kept and which files may go.

Two steps, in this order. `expire` drops old snapshots from the tables' metadata and touches no file. `sweep` deletes
files that nothing reaches: no branch, no kept snapshot, no pointer given up so recently that a reader may still have it
pinned. Neither runs while a branch is open, because what a branch will need cannot be told from outside.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot, ancestors_of
from sqlalchemy import delete, select

from ecommerce_pipeline.lakehouse import contents, database, pointers
from ecommerce_pipeline.lakehouse.branch import list_branches
from ecommerce_pipeline.lakehouse.catalog import LAKE, catalog_properties, open_catalog
from ecommerce_pipeline.lakehouse.database import retired_pointers
from ecommerce_pipeline.lakehouse.errors import BranchOpen, LakehouseError
from ecommerce_pipeline.lakehouse.files import StoredFile, delete_files, list_files
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.pointers import Name, rows
from ecommerce_pipeline.lakehouse.reachability import Reach
from ecommerce_pipeline.settings import Settings

GRACE = timedelta(days=1)  # longer than any query or any commit on its way
_COMMIT_RECORD = "singer.commit-seq"  # a raw table's bookmark stands in the summary of the snapshot that wrote it


class Expired(NamedTuple):
    """How many snapshots one table lost (or with `dry_run` would lose), and how many it then has."""

    name: Name
    dropped: int
    kept: int


class Sweep(NamedTuple):
    """What a sweep deleted, or with `dry_run` would delete."""

    files: tuple[StoredFile, ...]
    dry_run: bool

    @property
    def bytes(self) -> int:
        """Size of all of it."""
        return sum(file.bytes for file in self.files)

    def __str__(self) -> str:
        return f"{len(self.files):,} files of {self.bytes:,} bytes" + (" would go" if self.dry_run else "")


def expire(settings: Settings, keep_days: int = 7, keep_last: int = 5, *, dry_run: bool = False) -> list[Expired]:
    """Drop production's snapshots that are older than `keep_days`, keeping at least `keep_last` of each table.

    Also kept: what a tag or branch of the table names, and the last snapshot that carries a bookmark. Raises
    BranchOpen, and LeaseHeld if somebody writes a table.
    """
    _refuse_while_branched(settings)
    catalog = open_catalog(settings)
    with database.snapshot(settings) as connection:
        found = pointers.read_all(connection, LAKE)
    tables = [catalog.load_table(tuple(name)) for name, pointer in found.items() if pointer.kind != contents.VIEW]
    oldest = pointers.now_ms() - int(timedelta(days=keep_days) / timedelta(milliseconds=1))
    plan = [(table, dropped) for table in tables if (dropped := _dropped(table, oldest, keep_last))]
    report = [Expired(Name(*t.name()), len(d), len(t.metadata.snapshots) - len(d)) for t, d in plan]
    if plan and not dry_run:
        with hold(settings, [f"table:{expired.name}" for expired in report], "upkeep"):
            for table, dropped in plan:
                _expire(settings, table, dropped)
    return report


def sweep(settings: Settings, older_than: timedelta = GRACE, *, dry_run: bool = False) -> Sweep:
    """Delete the warehouse's files that nothing reaches and that are older than `older_than`.

    `older_than` is also how long a given-up pointer is still honoured; keep it longer than any query. Raises
    BranchOpen, and LakehouseError if a table's own files are missing; nothing is deleted then.
    """
    _refuse_while_branched(settings)
    limit = datetime.now(UTC) - older_than
    stored = list_files(settings)  # before the pointers are read: what is committed meanwhile is not in the list
    reached = _reach(settings, limit)
    doomed = tuple(file for file in stored if file.path not in reached and file.written_at < limit)
    if not dry_run:
        delete_files(settings, (file.path for file in doomed))
        _forget_retired(settings, limit)
    return Sweep(doomed, dry_run)


def _refuse_while_branched(settings: Settings) -> None:
    if found := list_branches(settings):
        names = ", ".join(f"{b.name} (since {b.created_at:%Y-%m-%d %H:%M} UTC)" for b in found)
        raise BranchOpen(
            f"no upkeep while a branch is open: {names}. Next: `shopsphere branch publish NAME` or "
            "`shopsphere branch drop NAME`"
        )


def _dropped(table: Table, oldest: int, keep_last: int) -> list[int]:
    needed = _needed(table, keep_last)
    old = (s.snapshot_id for s in table.metadata.snapshots if s.timestamp_ms < oldest)
    return [snapshot_id for snapshot_id in old if snapshot_id not in needed]


def _expire(settings: Settings, table: Table, dropped: list[int]) -> None:
    with database.transaction(settings) as connection:
        pointers.retire(connection, [table.metadata_location])  # a reader may have it pinned, so the sweep must wait
    table.maintenance.expire_snapshots().by_ids(dropped).commit()


def _needed(table: Table, keep_last: int) -> set[int]:
    current = table.current_snapshot()
    history = list(ancestors_of(current, table.metadata)) if current else []
    bookmark = next((s for s in history if _carries_bookmark(s)), None)
    needed = {snapshot.snapshot_id for snapshot in history[: max(keep_last, 1)]}
    needed |= {reference.snapshot_id for reference in table.refs().values()}
    return needed | ({bookmark.snapshot_id} if bookmark else set())


def _carries_bookmark(snapshot: Snapshot) -> bool:
    return snapshot.summary is not None and _COMMIT_RECORD in snapshot.summary.additional_properties


def _reach(settings: Settings, limit: datetime) -> set[str]:
    recently = int(limit.timestamp() * 1000)
    with database.snapshot(settings) as connection:
        live = select(rows.c.metadata_location, rows.c.iceberg_type).where(rows.c.metadata_location.is_not(None))
        current = {r[0] for r in connection.execute(live) if r[1] != contents.VIEW}
        retired = select(retired_pointers.c.metadata_location).where(retired_pointers.c.retired_at >= recently)
        given_up = set(connection.scalars(retired))
    reach = Reach(catalog_properties(settings))
    for location in sorted(current):
        _follow(reach, location)
    for location in sorted(given_up - current):
        # Its own writer may have removed it since (write.metadata.delete-after-commit): then no reader can be on it.
        with suppress(FileNotFoundError):
            reach.add(location)
    return reach.paths


def _follow(reach: Reach, location: str) -> None:
    try:
        reach.add(location)
    except FileNotFoundError as error:
        raise LakehouseError(
            f"a file that {location} needs is missing ({error}); nothing was deleted. Next: `shopsphere doctor`"
        ) from error


def _forget_retired(settings: Settings, limit: datetime) -> None:
    with database.transaction(settings) as connection:
        old = retired_pointers.c.retired_at < int(limit.timestamp() * 1000)
        connection.execute(delete(retired_pointers).where(old))
