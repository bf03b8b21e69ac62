"""One stream on its way into one table: rows arrive, files are written, a STATE vouches for them, one commit makes
them visible.

The table's record is read when the stream's SCHEMA arrives and compared with the bookmark the tap says it started
from, so a run that has been overtaken stops before it reads its source. The commit compares once more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from . import batches, commit
from .batches import BatchRows
from .decode import Lines, RecordDecoder, raw_record
from .errors import IN_DOUBT, LoadError
from .key_change import refuse_changed_key
from .mode_change import refuse_other_mode
from .overlap import announced
from .present_keys import PresentKeys
from .progress import Progress
from .record import CommitRecord, canonical
from .rejected_about import key_position, person_of
from .rejects import RejectLog
from .run_files import RunFiles
from .salvage import salvage
from .settings import Settings
from .stamp import Stamp, as_json, without_keys
from .table_plan import TablePlan, table_name

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

logger = logging.getLogger("target-iceberg")


class StreamLoad:
    """Loads one stream of one run; call `finish` or `abandon` in the end."""

    def __init__(
        self, catalog: Catalog, settings: Settings, run_id: str, schema: Mapping[str, Any], claimed: str | None
    ) -> None:
        """`schema` is the SCHEMA message, `claimed` the canonical bookmark the tap started from, None if it did not
        say.
        """
        self.stream, self.schema_message = str(schema["stream"]), schema
        self._catalog, self._settings, self._run_id = catalog, settings, run_id
        self._read_schema(schema)
        place = table_name(self.stream, settings.default_target_schema)
        self.plan = TablePlan(
            catalog,
            self.stream,
            place,
            self._columns(),
            claimed=None if settings.full_refresh else claimed,
            keys=self._keys,
            may_move=settings.on_type_change == "new_column",
            layout=settings.of_stream(self.stream),
        )
        anew = settings.full_refresh or self.plan.version is not None or self.plan.start is None
        mode = self.plan.layout.mode
        refuse_other_mode(place, {} if anew else self.plan.table.properties, mode, keys=self._keys)
        accept = anew or settings.on_key_change == "accept"
        self._rekeyed = refuse_changed_key(place, self.plan.table.properties, self._keys, accept=accept)
        self.bookmark, self._version = self.plan.bookmark, self.plan.version
        self._replace = settings.full_refresh and self.plan.start is not None
        self._files = RunFiles(self.plan, self._keys, settings.file_rows)
        system, _, name = self.stream.rpartition("-")
        self._rejects = RejectLog(
            catalog, settings.rejects_table, system or place.split(".")[0], name, run_id, self.plan.commit_seq
        )
        self._stamp = Stamp(self.plan.commit_seq, run_id)
        self._overlap = None if settings.full_refresh else announced(schema, self.plan, self._keys)
        self._rejects.again = self._overlap is not None
        self._present: PresentKeys | None = None
        self._activated: int | None = None
        self._lines: list[bytes] = []
        self._covered_lines = 0
        self._progress = Progress(self.stream)

    def on_schema(self, message: Mapping[str, Any]) -> None:
        """Follow a SCHEMA that changed in mid-stream; the same one again changes nothing."""
        if message == self.schema_message:
            return
        self._flush(len(self._lines))
        self.schema_message = message
        self._read_schema(message)
        self.plan.follow(self._columns())
        self._files.follow_plan()

    def on_records(self, lines: list[bytes]) -> None:
        """Take RECORD messages as they stood on their lines."""
        self._lines += lines
        while len(self._lines) >= self._settings.buffer_rows:
            self._flush(self._covered_lines or self._settings.buffer_rows)

    def on_batch(self, message: Mapping[str, Any]) -> None:
        """Take the files of a BATCH message and delete them."""
        self._flush(len(self._lines))  # rows keep the order they were sent in
        if "x-present-keys" in message:
            self._on_present_keys(message)
            return
        extracted = message.get("time_extracted")
        moment = datetime.fromisoformat(extracted).astimezone(UTC).replace(tzinfo=None) if extracted else None
        for path in batches.batch_paths(message):
            rows = batches.read_batch(path)
            for table in salvage(rows, self._batch_columns, self._reject_batch_row):
                self._write(table, moment, covered=False)
            batches.remove([path])

    def _on_present_keys(self, message: Mapping[str, Any]) -> None:
        """Take keys that the source has; with the last of them, mark all others deleted."""
        if self._present is None:
            self._present = PresentKeys(self.plan, self._keys, replacing=self._replace)
        for path in batches.batch_paths(message):
            self._present.add(batches.to_columns(batches.read_batch(path), self._present.columns))
            batches.remove([path])
        claim = message["x-present-keys"]
        if not claim.get("last", True):
            return
        gone = self._present.gone(self._files.writers, claim["deleted_at"], claim.get("set") or {})
        self._present = None
        if gone.num_rows:
            logger.info("%s: %s rows are gone from the source", self.stream, f"{gone.num_rows:,}")
        rows = self._stamp.apply(gone, self.plan.columns, None)
        self._files.write(rows, covered=False)

    def on_version(self, version: int) -> None:
        """ACTIVATE_VERSION: unless the table holds this version already, the commit replaces all rows."""
        self._activated = version

    def on_state(self, bookmark: Any) -> None:
        """A STATE message covers everything sent so far."""
        self.bookmark = canonical(bookmark)
        if self._activated is not None:
            self._replace = self._replace or (self.plan.start is not None and self.plan.version != self._activated)
            self._version = self._activated
        self._covered_lines = len(self._lines)
        self._rejects.mark_covered()
        self._files.mark_covered()

    def on_reject(self, reject: Mapping[str, Any]) -> None:
        """Take a line that the tap could not read."""
        self._rejects.add(reject)

    @property
    def covered(self) -> bool:
        """Whether a STATE vouches for every row taken so far."""
        return self._covered_lines == len(self._lines) and self._files.all_covered

    def finish(self) -> bool:
        """Commit what STATE covers; False if that is nothing new. Raises LoadError and leaves the table as it was."""
        self._flush(self._covered_lines)
        self._rejects.finish()
        files = self._files.finish()
        rows = sum(file.record_count for file in files)
        known = self._overlap.known if self._overlap else 0
        self._refuse_too_many_rejects(rows + known + self._rejects.known)
        if known:
            logger.info("%s: %s rows of the overlap stand in %s already", self.stream, f"{known:,}", self.plan.place)
        if self._nothing_new(rows):
            logger.info("%s: nothing new, %s stays as it is", self.stream, self.plan.place)
            return False
        self._rejects.commit()
        self._commit(files)
        self._progress.done(rows, self._rejects.count, self.plan.place, self.plan.commit_seq)
        return True

    def abandon(self) -> None:
        """Delete what was written but not committed."""
        self._files.abandon()
        self._rejects.abandon()

    def _read_schema(self, message: Mapping[str, Any]) -> None:
        self._keys = [str(key) for key in message.get("key_properties") or []]
        properties = message.get("schema", {}).get("properties")
        if properties is None:
            raise LoadError(
                f"stream {self.stream}: its SCHEMA has no properties. Next: give the tap a schema with columns"
            )
        self._decoder = RecordDecoder(properties)

    def _columns(self) -> pa.Schema:
        return pa.schema(list(self._decoder.columns.items()))

    def _batch_columns(self, rows: BatchRows) -> pa.Table:
        return batches.to_columns(rows, self._decoder.columns)

    def _flush(self, count: int) -> None:
        """Write the first `count` buffered lines."""
        covered = count <= self._covered_lines

        def reject(line: Lines, reason: str) -> None:
            text, values = raw_record(line.lines[0])
            self._reject(values, text, (reason, "fits_schema", "validity"), covered=covered)

        for table in salvage(Lines(self._lines[:count]), self._decoder.table, reject):
            self._write(table, None, covered=covered)
        self._lines = self._lines[count:]
        self._covered_lines = max(0, self._covered_lines - count)

    def _write(self, rows: pa.Table, extracted: datetime | None, *, covered: bool) -> None:
        good, keyless = without_keys(rows, self._keys)
        why = (f"no value in a key column ({', '.join(self._keys)})", "key_present", "completeness")
        for row in keyless.to_pylist():
            self._reject(row, as_json(row), why, covered=covered)
        good = self.plan.placed(good)
        good = good if self._overlap is None else self._overlap.unseen(good)
        self._files.write(self._stamp.apply(good, self.plan.columns, extracted), covered=covered)
        self._progress.tell(self._stamp.sequence)

    def _reject_batch_row(self, row: BatchRows, reason: str) -> None:
        values = row.table.to_pylist()[0]
        self._reject(values, as_json(values), (reason, "fits_schema", "validity"), covered=False)

    def _reject(self, values: Mapping[str, Any], raw: str, why: tuple[str, str, str], *, covered: bool) -> None:
        reject = {
            "position": key_position(values, self._keys),
            "raw_record": raw,
            "customer_id": person_of(values, self._settings.person_keys),
            **dict(zip(("reason", "rule", "dimension"), why, strict=True)),
        }
        self._rejects.add(reject, covered=covered)

    def _refuse_too_many_rejects(self, rows: int) -> None:
        total = rows + self._rejects.count
        if total and self._rejects.count / total > self._settings.rejects_limit:
            raise LoadError(
                f"{self.stream}: {self._rejects.count:,} of {total:,} rows were rejected, more than rejects_limit "
                f"{self._settings.rejects_limit:g} allows; the first at {self._rejects.first_reason}. Nothing was "
                "committed to "
                f"{self.plan.place}. Next: look at the source; if these rejects are expected, raise rejects_limit "
                "and run again"
            )

    def _nothing_new(self, rows: int) -> bool:
        moved = self.bookmark != self.plan.bookmark
        return not (rows or self._rejects.count or self._replace or moved or self._rekeyed)

    def _commit(self, files: list[Any]) -> None:
        plan = self.plan
        version = None if files and self._activated is None else self._version  # rows appended: no full table any more
        end = CommitRecord(self.stream, self.bookmark, plan.commit_seq, self._run_id, version)
        change = commit.Change(plan, end, files, self._replace, self._keys, self._files.upsert)
        try:
            commit.apply(self._catalog, change)
            self._files.committed()
        except IN_DOUBT:
            self._files.committed()  # a table without its files could not be read any more
            raise
