"""quality.rejects: every row that could not be loaded, with its reason, its text and where it stood; the authority on
its shape.

Rejects are committed before their stream, and replace what the same stream left there for the same or a later commit:
a run that dies in between leaves them once, whatever happens next. They hold personal data as it came, so
`customer_id` says whom an erasure must find.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .catalog import open_table
from .commit import send
from .data_files import DataFileWriter
from .errors import IN_DOUBT, CommitInDoubtError, LoadError
from .rejected_before import among, paths_of, rejected_earlier, same_or_later

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

logger = logging.getLogger("target-iceberg")
STREAM = "quality-rejects"
BUFFER, ATTEMPTS = 5_000, 20
SCHEMA = pa.schema([
    ("source_system", pa.string()),
    ("source_table", pa.string()),
    ("position", pa.string()),
    ("reason", pa.string()),
    ("raw_record", pa.string()),
    ("rule", pa.string()),
    ("dimension", pa.string()),
    ("customer_id", pa.int64()),
    ("run_id", pa.string()),
    ("commit_seq", pa.int64()),
    ("rejected_at", pa.timestamp("us")),
    ("status", pa.string()),
])  # fmt: skip


@dataclass
class RejectLog:
    """Rejects of one stream in one commit; memory is bounded, what a STATE covers stands in data files already.

    With `again` the tap may send rejects of earlier commits once more: those are counted as `known` and left out.
    """

    catalog: Catalog
    table_name: str
    source_system: str
    source_table: str
    run_id: str
    commit_seq: int
    again: bool = False
    count: int = 0
    known: int = 0
    first_reason: str = ""
    _covered: list[dict[str, Any]] = field(default_factory=list)
    _uncovered: list[dict[str, Any]] = field(default_factory=list)
    _files: list[DataFile] = field(default_factory=list)
    _writer: DataFileWriter | None = None
    _earlier: frozenset[tuple[Any, Any]] | None = None

    def add(self, reject: Mapping[str, Any], *, covered: bool = False) -> None:
        """Take one reject in the shape of the README's convention; it counts once a STATE covers it."""
        given = {name: reject.get(name) for name in ("position", "reason", "raw_record", "customer_id")}
        if self.again and (given["position"], given["raw_record"]) in self._rejected_earlier():
            self.known += 1
            return
        stamped = {
            "source_system": self.source_system,
            "source_table": self.source_table,
            "rule": reject.get("rule") or "well_formed",
            "dimension": reject.get("dimension") or "validity",
            "run_id": self.run_id,
            "commit_seq": self.commit_seq,
            "rejected_at": datetime.now(UTC).replace(tzinfo=None),
            "status": "open",
        }
        held = self._covered if covered else self._uncovered
        held.append(given | stamped)
        if len(held) >= BUFFER:
            self._spill()

    def mark_covered(self) -> None:
        """A STATE message vouches for all rejects so far."""
        self._covered, self._uncovered = self._covered + self._uncovered, []
        if self._writer is not None:
            self._writer.mark_covered()

    def finish(self) -> int:
        """Drop what no STATE covers; returns how many rejects are left."""
        self._uncovered = []
        self._spill()
        self._files = [] if self._writer is None else self._writer.finish()
        self.count = sum(file.record_count for file in self._files)
        return self.count

    def commit(self) -> None:
        """Make quality.rejects hold exactly these for this and later commits of the stream; retried on conflict."""
        try:
            if self.count or self.catalog.table_exists(self.table_name):
                self._replace(self._files)
            self._keep_files()
        except IN_DOUBT:
            self._keep_files()  # a table without its files could not be read any more
            raise

    def abandon(self) -> None:
        """Forget them: the stream was not committed."""
        self._covered, self._uncovered = [], []
        if self._writer is not None:
            self._writer.abandon()

    def _spill(self) -> None:
        """Move what is held in memory to data files."""
        for held, covered in ((self._covered, True), (self._uncovered, False)):
            if held:
                self.first_reason = self.first_reason or f"{held[0]['position'] or '?'}: {held[0]['reason']}"
                self._open_writer().write(pa.Table.from_pylist(held, schema=SCHEMA), covered=covered)
        self._covered, self._uncovered = [], []

    def _rejected_earlier(self) -> frozenset[tuple[Any, Any]]:
        """Position and text of the stream's rejects of earlier commits."""
        if self._earlier is None:
            of_stream = (self.source_system, self.source_table, self.commit_seq)
            self._earlier = rejected_earlier(self.catalog, self.table_name, *of_stream)
        return self._earlier

    def _open_writer(self) -> DataFileWriter:
        if self._writer is None:
            table = self._open()
            self._writer = DataFileWriter(table.metadata, table.io, file_rows=1_000_000)
        return self._writer

    def _open(self) -> Table:
        return open_table(self.catalog, self.table_name, SCHEMA, {})

    def _keep_files(self) -> None:
        if self._writer is not None:
            self._writer.committed()

    def _replace(self, files: list[DataFile]) -> None:
        from pyiceberg.exceptions import CommitFailedException, ValidationException

        for _ in range(ATTEMPTS):
            try:
                return self._replace_once(files)
            except (CommitFailedException, ValidationException) as error:
                overtaken = error
            except CommitInDoubtError:
                if self._landed(files):
                    return None
                raise
        if not self._landed(files):
            raise LoadError(
                f"{self.table_name}: {ATTEMPTS} commits were overtaken by other runs. Nothing of {self.source_system}-"
                f"{self.source_table} was committed. Next: run again when fewer runs are under way"
            ) from overtaken

    def _replace_once(self, files: list[DataFile]) -> None:
        table = self.catalog.load_table(self.table_name)
        stale = same_or_later(self.source_system, self.source_table, self.commit_seq)
        held = paths_of(table, stale)
        if among(files, held) or not (files or held):
            return  # an attempt that was reported as failed had landed, or there is nothing to do
        transaction = table.transaction()
        if held:
            transaction.delete(stale)
        if files:
            with transaction.update_snapshot().fast_append() as append:
                for file in files:
                    append.append_data_file(file)
        send(transaction, self.table_name)

    def _landed(self, files: list[DataFile]) -> bool:
        """Whether the table holds these files; False if the catalog cannot be asked."""
        try:
            stale = same_or_later(self.source_system, self.source_table, self.commit_seq)
            return among(files, paths_of(self.catalog.load_table(self.table_name), stale))
        except Exception as error:
            logger.info("%s: whether the commit landed cannot be asked: %s", self.table_name, error)
            return False
