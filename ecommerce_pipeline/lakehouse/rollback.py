"""A table's past, and the way back to it: the authority on returning to an earlier snapshot.

Every snapshot of a table is kept until `expire` drops it. Rolling back makes an earlier one current again, in one
commit that anybody's write in between defeats; no file of rows is written or deleted, so the way forward stays open.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import Table

from ecommerce_pipeline.lakehouse import contents
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import NotRolledBack, PublicationConflict, SnapshotUnknown
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.settings import Settings

RAW = "raw_"  # schemas of the raw logs, whose later commits are numbered on from the ones before


class Moment(NamedTuple):
    """One snapshot of a table: when it was committed (UTC), by what kind of write, and how many rows it holds, where
    its writer said so.
    """

    snapshot_id: int
    committed_at: datetime
    operation: str
    rows: int | None
    is_current: bool


def history(settings: Settings, table: str) -> list[Moment]:
    """The snapshots of a table ("finance.daily_revenue"), the latest first; raises SnapshotUnknown."""
    with open_catalog(settings) as catalog:
        return _moments(_load(catalog, table))


def rollback(settings: Settings, table: str, to: int | datetime, holder: str = "rollback") -> Moment:
    """Make a snapshot current again, by its id or as the table stood at a time (UTC); returns it.

    Raises SnapshotUnknown, NotRolledBack for a raw table, LeaseHeld if somebody writes the table, and
    PublicationConflict if somebody committed to it in between; the table is then as it was.
    """
    if table.startswith(RAW):
        raise NotRolledBack(
            f"{table} is a log that goes forward only: its bookmark stands in its snapshots, and the models have read "
            "on from them. Next: docs/runbooks/a-run-failed.md says how to read its source again"
        )
    with hold(settings, [f"table:{table}"], holder), open_catalog(settings) as catalog:
        loaded = _load(catalog, table)
        goal = _chosen(table, _moments(loaded), to)
        if goal.is_current:
            return goal
        try:
            loaded.manage_snapshots().set_current_snapshot(goal.snapshot_id).commit()
        except CommitFailedException as error:
            raise PublicationConflict(
                f"{table} was written to while it was being rolled back, and is as its writer left it. Next: look at "
                f"`shopsphere history {table}`, then roll back again"
            ) from error
        return goal._replace(is_current=True)


def _load(catalog: Catalog, table: str) -> Table:
    try:
        return catalog.load_table(tuple(table.split(".")))
    except (NoSuchTableError, ValueError) as error:
        raise SnapshotUnknown(f"there is no table {table}. Next: `shopsphere tables`") from error


def _moments(table: Table) -> list[Moment]:
    current = table.metadata.current_snapshot_id
    found = [
        Moment(
            snapshot.snapshot_id,
            datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
            snapshot.summary.operation.value if snapshot.summary else "",
            contents.rows_of(snapshot),
            snapshot.snapshot_id == current,
        )
        for snapshot in table.metadata.snapshots
    ]
    return sorted(found, key=lambda moment: moment.committed_at, reverse=True)


def _chosen(table: str, moments: list[Moment], to: int | datetime) -> Moment:
    for moment in moments:
        if moment.snapshot_id == to or (isinstance(to, datetime) and moment.committed_at <= to):
            return moment
    kept = f"{moments[-1].committed_at:%Y-%m-%d %H:%M:%S} to {moments[0].committed_at:%Y-%m-%d %H:%M:%S} UTC"
    what = f"as of {to:%Y-%m-%d %H:%M:%S} UTC" if isinstance(to, datetime) else f"snapshot {to}"
    raise SnapshotUnknown(
        f"{table} has nothing {what}; its snapshots are from {kept if moments else 'no time at all'}. "
        f"Next: `shopsphere history {table}`"
    )
