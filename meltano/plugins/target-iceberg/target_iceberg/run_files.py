"""The data files of one run of one stream: a writer for each schema it had, and in mode upsert what it goes over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from .data_files import DataFileWriter
from .partitioned import PartitionedWriter
from .table_plan import TablePlan
from .upsert import Upsert

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile


class RunFiles:
    """Takes rows in the plan's columns; nothing of them is visible before the commit."""

    def __init__(self, plan: TablePlan, keys: Sequence[str], file_rows: int) -> None:
        self._plan, self._file_rows = plan, file_rows
        self.writers: list[DataFileWriter | PartitionedWriter] = [plan.new_writer(file_rows)]
        self.upsert = Upsert(plan, keys, file_rows) if plan.layout.mode == "upsert" else None

    def follow_plan(self) -> None:
        """The plan's schema changed: what comes next is written in the new one."""
        self.writers.append(self._plan.new_writer(self._file_rows))
        if self.upsert is not None:
            self.upsert.follow_plan(self._file_rows)

    def write(self, rows: pa.Table, *, covered: bool) -> None:
        """Add rows; `covered` says that a STATE message vouches for them already."""
        self.writers[-1].write(rows, covered=covered)

    def mark_covered(self) -> None:
        """A STATE message vouches for all rows so far."""
        for writer in self.writers:
            writer.mark_covered()

    @property
    def all_covered(self) -> bool:
        """Whether a STATE message vouches for every row."""
        return all(writer.all_covered for writer in self.writers)

    def finish(self) -> list[DataFile]:
        """The files of the rows that STATE covers; of an upsert, with the last version of each key only."""
        files = [file for writer in self.writers for file in writer.finish()]
        if self.upsert is None:
            return files
        latest = self.upsert.latest(files)
        if latest is not files:
            for writer in self.writers:
                writer.abandon()
        return latest

    def committed(self) -> None:
        """The files belong to the table from now on."""
        for writer in (*self.writers, *self._of_upsert):
            writer.committed()

    def abandon(self) -> None:
        """Delete what was written but not committed."""
        for writer in (*self.writers, *self._of_upsert):
            writer.abandon()

    @property
    def _of_upsert(self) -> tuple[Upsert, ...]:
        return () if self.upsert is None else (self.upsert,)
