"""Upsert: the table holds one row a key, its latest version, and no history.

Before the commit a run's own versions are reduced to the last one of each key. The commit then replaces each file that
holds an older version by one without it, and appends the run's rows, in one snapshot. Only files whose range of keys
the run touches are read; memory is that of the largest of them and of the run's keys. For tables of which the log is
of no use, and that are small: a key here and there in a large table writes all of it anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from .columns import exact_cast

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask, Table

    from .table_plan import TablePlan

_ROW = "_sdc_sequence"


class Upsert:
    """One run's rows and the table they go over."""

    def __init__(self, plan: TablePlan, keys: Sequence[str], file_rows: int) -> None:
        self._plan, self._keys = plan, list(keys)
        self.follow_plan(file_rows)
        self._came: pa.Table | None = None

    def follow_plan(self, file_rows: int) -> None:
        """The plan's schema changed; nothing has been written yet."""
        self._own, self._survivors = self._plan.new_writer(file_rows), self._plan.new_writer(file_rows)

    def latest(self, files: list[DataFile]) -> list[DataFile]:
        """The run's rows with the last one of each key only: the given files, or new ones in their place."""
        if not files:
            return files
        rows = pa.concat_tables([self._rows(file, [*self._keys, _ROW]) for file in files])
        last = rows.group_by(self._keys).aggregate([(_ROW, "max")])
        self._came = last.select(self._keys)
        if last.num_rows == rows.num_rows:
            return files
        kept = last[f"{_ROW}_max"].combine_chunks()
        for file in files:
            whole = self._rows(file)
            self._own.write(whole.filter(pc.is_in(whole[_ROW], value_set=kept)), covered=True)
        return self._own.finish()

    def onto(self, table: Table) -> tuple[list[DataFile], list[DataFile]]:
        """The table's files that hold versions of the run's keys, and what replaces them: their other rows.

        Called for each attempt to commit; what it wrote before is deleted.
        """
        self._survivors.abandon()
        gone = []
        for task in self._candidates(table):
            rows = _in_columns(self._read(table, [task]), self._plan.columns)
            stay = rows.filter(pc.invert(self._touched(rows)))
            if stay.num_rows < rows.num_rows:
                gone.append(task.file)
                self._survivors.write(stay, covered=True)
        return gone, self._survivors.finish()

    def committed(self) -> None:
        """The files belong to the table from now on."""
        self._own.committed()
        self._survivors.committed()

    def abandon(self) -> None:
        """Delete what was written for the commit."""
        self._own.abandon()
        self._survivors.abandon()

    def _candidates(self, table: Table) -> Iterator[FileScanTask]:
        if self._came is not None and self._came.num_rows and table.metadata.current_snapshot_id is not None:
            yield from table.scan(row_filter=self._range(self._came)).plan_files()

    def _range(self, came: pa.Table) -> BooleanExpression:
        """Where versions of the run's keys can stand, by the first column of the key."""
        from pyiceberg.expressions import AlwaysTrue, And, GreaterThanOrEqual, LessThanOrEqual

        name, kind = self._keys[0], came.schema.field(self._keys[0]).type
        held = self._plan.table.schema().column_names
        if name not in held or not (pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_date(kind)):
            return AlwaysTrue()
        ends = pc.min_max(came[name]).as_py()
        return And(GreaterThanOrEqual(term=name, value=ends["min"]), LessThanOrEqual(term=name, value=ends["max"]))

    def _touched(self, rows: pa.Table) -> pa.Array:
        """Which rows have a key that came in this run."""
        assert self._came is not None  # noqa: S101 - for the type checker: there are no candidates without it
        numbered = rows.select(self._keys).append_column("_place", pa.array(range(rows.num_rows), pa.int64()))
        met = numbered.join(self._came, self._keys, join_type="left semi")["_place"].combine_chunks()
        return pc.is_in(numbered["_place"], value_set=met)

    def _rows(self, file: DataFile, names: Sequence[str] | None = None) -> pa.Table:
        from pyiceberg.table import FileScanTask

        columns = self._plan.columns if names is None else pa.schema([self._plan.columns.field(n) for n in names])
        return _in_columns(self._read(self._plan.table, [FileScanTask(file)], names), columns)

    def _read(self, table: Table, tasks: list[FileScanTask], names: Sequence[str] | None = None) -> pa.Table:
        """The files' rows, less those deleted, in the columns the table will have."""
        from pyiceberg.expressions import AlwaysTrue
        from pyiceberg.io.pyarrow import ArrowScan

        schema = self._plan.schema if names is None else self._plan.schema.select(*names)
        return ArrowScan(self._plan.metadata, table.io, schema, AlwaysTrue()).to_table(tasks)


def _in_columns(rows: pa.Table, columns: pa.Schema) -> pa.Table:
    return pa.table([exact_cast(rows[field.name], field.type) for field in columns], schema=columns)
