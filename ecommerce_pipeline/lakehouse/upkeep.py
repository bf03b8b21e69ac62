"""Upkeep of the lake: the authority on how long history is kept.

Four steps, in this order. `drop_branches` ends branches whose time is over. `compact` puts small files together.
`expire` drops old snapshots from the tables' metadata and touches no file. `orphans.sweep` deletes the files that
nothing reaches then.

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

from ecommerce_pipeline.lakehouse import compaction, contents, database, pointers
from ecommerce_pipeline.lakehouse.branch import CANDIDATE, Branch, drop, list_branches
from ecommerce_pipeline.lakehouse.catalog import LAKE, open_catalog
from ecommerce_pipeline.lakehouse.compaction import Policy
from ecommerce_pipeline.lakehouse.errors import LeaseHeld
from ecommerce_pipeline.lakehouse.lease import Lease, hold
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.settings import Settings

BUILDING = f"branch:{CANDIDATE}"
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


def drop_branches(settings: Settings, now: datetime | None = None, *, dry_run: bool = False) -> list[Branch]:
    """Drop the branches that were kept their time (`now` is UTC), but none that somebody builds on or that another
    branch stands on.
    """
    at = now or datetime.now(UTC)
    found = list_branches(settings)
    bases = {branch.base for branch in found}
    over = [branch for branch in found if branch.kept_until <= at and branch.name not in bases]
    return [branch for branch in over if dry_run or _drop(settings, branch)]


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
    keep_days: int = Policy().keep_days,
    keep_last: int = Policy().keep_last,
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
