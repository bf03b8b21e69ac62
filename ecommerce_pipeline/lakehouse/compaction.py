"""Compaction: many small files of a table become few, their rows as they were.

A load appends a file or more, so a table that is loaded by the hour is in thousands of pieces after a year, and
planning a scan costs more than the scan. The small files of a partition are read together, put into the table's order
and written as one; a file whose rows were deleted in part is left to the rebuilding of its model. One commit a table,
an ordinary snapshot: readers go on with the one they have, and the table's bookmark stays where it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan, _dataframe_to_data_files
from pyiceberg.manifest import DataFile
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.sorting import SortDirection

from ecommerce_pipeline.lakehouse import database, pointers
from ecommerce_pipeline.lakehouse.errors import LakehouseError
from ecommerce_pipeline.settings import Settings

MB = 2**20
MARK = {"lake.upkeep": "compaction"}  # in the snapshot's summary


class Policy(NamedTuple):
    """How a table is kept: days and at least so many snapshots of history; files below `small_mb` are put together, up
    to `target_mb` each, once there are `min_files` of them; `sort_by` columns, default the table's own order.
    """

    keep_days: int = 7
    keep_last: int = 3
    small_mb: int = 16
    target_mb: int = 64
    min_files: int = 12
    sort_by: tuple[str, ...] = ()


class Compaction(NamedTuple):
    """What is to be put together in one table: bins of files, each of one partition."""

    table: Table
    bins: tuple[tuple[FileScanTask, ...], ...]
    policy: Policy

    @property
    def files(self) -> int:
        """Files that go."""
        return sum(len(one) for one in self.bins)


def plan(table: Table, policy: Policy) -> Compaction | None:
    """What compaction would do to a table; nothing where too few files are small. Reads manifests only."""
    if table.current_snapshot() is None:
        return None
    small = [task for task in table.scan().plan_files() if _is_small(table, task, policy)]
    bins = tuple(tuple(one) for one in _bins(small, policy.target_mb * MB) if len(one) > 1)
    found = Compaction(table, bins, policy)
    return found if found.files >= policy.min_files else None


def apply(settings: Settings, compaction: Compaction) -> int:
    """Put the files together in one commit; returns how many there are instead. Whoever calls holds the table's lease.

    Raises PyIceberg's CommitFailedException if the table was written meanwhile; nothing is changed then.
    """
    table = compaction.table
    made = [file for one in compaction.bins for file in _together(table, one, compaction.policy)]
    with database.transaction(settings) as connection:
        pointers.retire(connection, [table.metadata_location])  # a reader may have it pinned
    transaction = table.transaction()
    with transaction.update_snapshot(snapshot_properties=MARK).overwrite() as snapshot:
        for task in (task for one in compaction.bins for task in one):
            snapshot.delete_data_file(task.file)
        for file in made:
            snapshot.append_data_file(file)
    transaction.commit_transaction()
    return len(made)


def _is_small(table: Table, task: FileScanTask, policy: Policy) -> bool:
    file = task.file
    mine = file.spec_id == table.metadata.default_spec_id
    return mine and not task.delete_files and file.file_size_in_bytes < policy.small_mb * MB


def _bins(tasks: Sequence[FileScanTask], target: int) -> Iterator[list[FileScanTask]]:
    """Files of one partition, up to a size together, the oldest first."""
    by_partition: dict[str, list[FileScanTask]] = defaultdict(list)
    for task in tasks:
        by_partition[str(task.file.partition)].append(task)
    for found in by_partition.values():
        one, size = list[FileScanTask](), 0
        for task in reversed(found):  # manifests come the latest first
            if one and size + task.file.file_size_in_bytes > target:
                yield one
                one, size = [], 0
            one.append(task)
            size += task.file.file_size_in_bytes
        yield one


def _together(table: Table, tasks: Sequence[FileScanTask], policy: Policy) -> list[DataFile]:
    scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    rows = _sorted(table, scan.to_table(tasks), policy)
    made = list(_dataframe_to_data_files(table.metadata, rows, table.io))
    before, after = (sum(f.record_count for f in files) for files in ([task.file for task in tasks], made))
    if before != after:
        raise LakehouseError(
            f"{'.'.join(table.name())}: {after:,} rows were written for {before:,}; nothing was committed. "
            "Next: `shopsphere doctor`, and leave this table out of upkeep until the cause is known"
        )
    return made


def _sorted(table: Table, rows: pa.Table, policy: Policy) -> pa.Table:
    keys = [(name, "ascending") for name in policy.sort_by] or [
        (table.schema().find_field(field.source_id).name, _arrow(field.direction))
        for field in table.sort_order().fields
        if field.transform.preserves_order and str(field.transform) == "identity"
    ]
    return rows.sort_by(keys) if keys else rows


def _arrow(direction: SortDirection) -> str:
    return "descending" if direction == SortDirection.DESC else "ascending"
