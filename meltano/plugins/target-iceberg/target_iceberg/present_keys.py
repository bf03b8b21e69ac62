"""Keys that the source has and no others: every other key of the table gets a row that says it is deleted.

A tap that cannot see deletions in the rows themselves (an incremental query, a truncate, a table read whole once more)
sends the keys that are there, as a BATCH with `"x-present-keys": {"deleted_at": …, "set": {…}, "last": true}`. The log
stays append-only: what was deleted has a last version with `_sdc_deleted_at`, its key, and NULL elsewhere. A key counts
as being in the table if its latest version, of this run's rows as well, is not a deletion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from .errors import LoadError

if TYPE_CHECKING:
    from .data_files import DataFileWriter
    from .partitioned import PartitionedWriter
    from .table_plan import TablePlan

_COMMIT, _ROW, _DELETED = "_sdc_commit_seq", "_sdc_sequence", "_sdc_deleted_at"
_ROWS_OF_A_COMMIT = 2**40


class PresentKeys:
    """The keys of one claim; they are held in memory."""

    def __init__(self, plan: TablePlan, keys: Sequence[str], *, replacing: bool) -> None:
        """`replacing`: the commit will replace the table's rows, so only this run's count.

        Raises LoadError for a stream without a key.
        """
        if not keys:
            raise LoadError(
                f"{plan.place}: deleted rows are known by their key, and the stream has none. Next: give its "
                "table a primary key, or switch the detection of deletes off"
            )
        self._plan, self._keys, self._replacing = plan, list(keys), replacing
        self.columns = {field.name: field.type for field in plan.columns if field.name in keys}
        self._present: list[pa.Table] = []

    def add(self, keys: pa.Table) -> None:
        """Keys that the source has."""
        self._present.append(keys)

    def gone(
        self, writers: Iterable[DataFileWriter | PartitionedWriter], deleted_at: str, marks: Mapping[str, Any]
    ) -> pa.Table:
        """A row for each key that the table and this run's files have and the source has not; `marks` are values."""
        rows = pa.concat_tables([_ordered(table, self._keys) for table in self._read(writers)])
        latest = rows.group_by(self._keys).aggregate([("order", "max")])
        deletions = rows.filter(rows["deleted"]).group_by(self._keys).aggregate([("order", "max")])
        live = latest.join(deletions, [*self._keys, "order_max"], join_type="left anti") if len(deletions) else latest
        missing = live.select(self._keys)
        if self._present:
            missing = missing.join(pa.concat_tables(self._present), self._keys, join_type="left anti")
        moment = datetime.fromisoformat(deleted_at)
        moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        values = {**marks, _DELETED: moment}
        for name, value in values.items():
            kind = self._plan.columns.field(name).type
            missing = missing.append_column(name, pa.repeat(pa.scalar(value, kind), missing.num_rows))
        return missing

    def _read(self, writers: Iterable[DataFileWriter | PartitionedWriter]) -> Iterable[pa.Table]:
        names = [*self._keys, _DELETED, _COMMIT, _ROW]
        if self._plan.start is not None and not self._replacing:
            found = self._plan.table.scan(selected_fields=tuple(names)).to_arrow()
            yield self._typed(found)
        for writer in writers:
            for table in writer.so_far(names):
                yield self._typed(table)
        yield self._plan.columns.empty_table().select(names)

    def _typed(self, table: pa.Table) -> pa.Table:
        kinds = pa.schema([self._plan.columns.field(name) for name in (*self._keys, _DELETED, _COMMIT, _ROW)])
        return table.select(kinds.names).cast(kinds)


def _ordered(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Keys, whether the version is a deletion, and a number that grows from version to version."""
    order = pc.add(pc.multiply(rows[_COMMIT], pa.scalar(_ROWS_OF_A_COMMIT, pa.int64())), rows[_ROW])
    columns = [*(rows[key] for key in keys), pc.is_valid(rows[_DELETED]), order]
    return pa.table(columns, names=[*keys, "deleted", "order"])
