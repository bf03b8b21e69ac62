"""Upkeep of the lake: the authority on how long history is kept and which files may go.

Four steps, in this order. `drop_branches` ends branches whose time is over. `compact` puts small files together.
`expire` drops old snapshots from the tables' metadata and touches no file. `sweep` deletes files that nothing reaches:
no branch and not what it started from, no kept snapshot, no pointer given up so recently that a reader may still have
it pinned.

Open branches are no hindrance: what they need stands in the catalog. A run is one, because the pointers that upkeep
moves would stand against its publication: `expire` takes the lease of the branch that runs build on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot, ancestors_of
from sqlalchemy import Connection, delete, select

from ecommerce_pipeline.lakehouse import compaction, contents, database, pointers
from ecommerce_pipeline.lakehouse.branch import CANDIDATE, Branch, changes, drop, list_branches
from ecommerce_pipeline.lakehouse.catalog import LAKE, catalog_properties, open_catalog
from ecommerce_pipeline.lakehouse.compaction import Policy
from ecommerce_pipeline.lakehouse.database import branches, mirrored_pointers, retired_pointers
from ecommerce_pipeline.lakehouse.errors import LakehouseError, LeaseHeld
from ecommerce_pipeline.lakehouse.files import StoredFile, delete_files, list_files
from ecommerce_pipeline.lakehouse.lease import Lease, hold
from ecommerce_pipeline.lakehouse.pointers import Name, rows
from ecommerce_pipeline.lakehouse.reachability import Reach
from ecommerce_pipeline.settings import Settings

BUILDING = f"branch:{CANDIDATE}"
GRACE = timedelta(days=1)  # longer than any query or any commit on its way
_COMMIT_RECORD = "singer.commit-seq"  # a raw table's bookmark stands in the summary of the snapshot that wrote it


class Expired(NamedTuple):
    """How many snapshots one table lost (or with `dry_run` would lose), and how many it then has."""

    name: Name
    dropped: int
    kept: int


class Compacted(NamedTuple):
    """How many files one table lost (or with `dry_run` would lose), and how many took their place."""

    name: Name
    before: int
    after: int


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


def drop_branches(settings: Settings, now: datetime | None = None) -> list[Branch]:
    """Drop the branches that were kept their time (`now` is UTC), but none that somebody builds on or that another
    branch stands on.
    """
    at = now or datetime.now(UTC)
    found = list_branches(settings)
    bases = {branch.base for branch in found}
    over = [branch for branch in found if branch.kept_until <= at and branch.name not in bases]
    return [branch for branch in over if _drop(settings, branch)]


def _drop(settings: Settings, branch: Branch) -> bool:
    try:
        with hold(settings, [f"branch:{branch.name}"], "upkeep"):
            drop(settings, branch.name)
    except LeaseHeld:
        return False
    return True


def compact(
    settings: Settings, policies: Mapping[Name, Policy] = {}, *, dry_run: bool = False, only: Collection[str] = ()
) -> list[Compacted]:
    """Put production's small files together, table by table as its policy says; `only` some tables, by address.

    Raises LeaseHeld if a run is building. A table that somebody writes at the moment is left for the next time.
    """
    found = []
    for table in _tables(settings):
        name = Name(*table.name())
        if only and str(name) not in only:
            continue
        planned = compaction.plan(table, policies.get(name, Policy()))
        if planned is None:
            continue
        if dry_run:
            found.append(Compacted(name, planned.files, len(planned.bins)))
            continue
        with _no_run(settings), suppress(LeaseHeld), hold(settings, [f"table:{name}"], "upkeep"):
            found.append(Compacted(name, planned.files, compaction.apply(settings, planned)))
    return found


def expire(
    settings: Settings,
    keep_days: int = 7,
    keep_last: int = 5,
    *,
    policies: Mapping[Name, Policy] = {},
    now: datetime | None = None,
    dry_run: bool = False,
) -> list[Expired]:
    """Drop production's snapshots that are older than `keep_days` before `now` (UTC), keeping at least `keep_last` of
    each table; a table with a policy is kept as that says.

    Also kept: what a tag or branch of the table names, and the last snapshot that carries a bookmark. Raises LeaseHeld
    if a run is building, or somebody writes a table.
    """
    at = now or datetime.now(UTC)
    plan = []
    for table in _tables(settings):
        policy = policies.get(Name(*table.name()), Policy(keep_days, keep_last))
        oldest = int((at - timedelta(days=policy.keep_days)).timestamp() * 1000)
        if dropped := _dropped(table, oldest, policy.keep_last):
            plan.append((table, dropped))
    report = [Expired(Name(*t.name()), len(d), len(t.metadata.snapshots) - len(d)) for t, d in plan]
    if plan and not dry_run:
        with _no_run(settings), hold(settings, [f"table:{expired.name}" for expired in report], "upkeep"):
            for table, dropped in plan:
                _expire(settings, table, dropped)
    return report


def sweep(settings: Settings, older_than: timedelta = GRACE, *, dry_run: bool = False) -> Sweep:
    """Delete the warehouse's files that nothing reaches and that are older than `older_than`.

    `older_than` is also how long a given-up pointer is still honoured; keep it longer than any query or commit. Raises
    LakehouseError if a table's own files are missing; nothing is deleted then.
    """
    limit = datetime.now(UTC) - older_than
    stored = list_files(settings)  # before the pointers are read: what is committed meanwhile is not in the list
    reached = _reach(settings, limit)
    doomed = tuple(file for file in stored if file.path not in reached and file.written_at < limit)
    if not dry_run:
        delete_files(settings, (file.path for file in doomed))
        _forget_retired(settings, limit)
    return Sweep(doomed, dry_run)


def _tables(settings: Settings) -> Iterator[Table]:
    catalog = open_catalog(settings)
    with database.snapshot(settings) as connection:
        found = pointers.read_all(connection, LAKE)
    return (catalog.load_table(tuple(name)) for name, pointer in found.items() if pointer.kind != contents.VIEW)


def _no_run(settings: Settings) -> AbstractContextManager[Lease]:
    return hold(settings, [BUILDING], "upkeep")


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
        current |= _starts(connection)
        retired = select(retired_pointers.c.metadata_location).where(retired_pointers.c.retired_at >= recently)
        given_up = set(connection.scalars(retired)) | set(connection.scalars(select(mirrored_pointers)))
    reach = Reach(catalog_properties(settings))
    for location in sorted(current):
        _follow(reach, location)
    for location in sorted(given_up - current):
        # Its own writer may have removed it since (write.metadata.delete-after-commit): then no reader can be on it.
        with suppress(FileNotFoundError):
            reach.add(location)
    return reach.paths


def _starts(connection: Connection) -> set[str]:
    """What open branches are compared with: the tables they changed, as they were."""
    names = connection.scalars(select(branches.c.name)).all()
    found = [change for name in names for change in changes(connection, name)]
    views = {change.name for change in found if change.pointer and change.pointer.kind == contents.VIEW}
    return {change.base for change in found if change.base and change.name not in views}


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
