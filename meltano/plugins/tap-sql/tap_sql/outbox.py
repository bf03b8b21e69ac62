"""What leaves the tap: Singer messages, and rows as batch files with the rejects that fit no exact column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from .exact import Misfit, exact
from .log_values import bare_delete
from .model import Column, Overlap, Selection
from .settings import Settings
from .stage import Stage

Emit = Callable[[Mapping[str, Any]], None]


class Outbox:
    """Writes the messages of one run, in order."""

    def __init__(self, emit: Emit, settings: Settings) -> None:
        """Batch files go to the settings' stage folder, in the settings' format."""
        self.emit, self._form = emit, settings.batch_format
        self._stage = Stage(settings.stage, settings.batches_ahead, settings.batch_format)

    def schema(self, selection: Selection, *, overlap: Overlap | None = None, more: Sequence[Column] = ()) -> None:
        """SCHEMA of the selected columns and `more`; `x-overlap` tells which rows may stand in the table already."""
        again = {} if overlap is None else {"x-overlap": {"column": overlap.column, "since": overlap.since}}
        columns = (*selection.columns, *more)
        self.emit({
            "type": "SCHEMA",
            "stream": selection.table.stream,
            "schema": {"type": "object", "properties": {column.name: dict(column.schema) for column in columns}},
            "key_properties": list(selection.table.keys),
            "bookmark_properties": [selection.replication_key] if selection.replication_key else [],
            **again,
        })  # fmt: skip

    def rows(self, selection: Selection, raw: pa.Table, more: Sequence[Column] = ()) -> pa.Table:
        """Send the rows that fit their columns as a batch, the others as rejects; returns those that fit.

        A deletion in a log is never rejected for what else the deleted row held.
        """
        batch, misfits = exact(raw, (*selection.columns, *more), partial(bare_delete, selection.table.keys))
        for misfit in misfits:
            self.emit(_reject(selection, misfit))
        if batch.num_rows:
            self.emit(_batch(selection, [self._stage.put(batch)], self._form))
        return batch

    def present_keys(
        self, selection: Selection, keys: pa.Table | None, at: datetime, marks: Mapping[str, Any], *, last: bool = True
    ) -> None:
        """Say that at this point of the stream the source has these keys and, with the `last` of them, no others.

        The target appends a row for every other key of its table: deleted `at` (UTC without zone), with `marks` as
        values. A stock target would take the keys for rows.
        """
        files = [] if keys is None or not keys.num_rows else [self._stage.put(keys)]
        claim = {"deleted_at": at.isoformat(), "set": dict(marks), "last": last}
        self.emit({**_batch(selection, files, self._form), "x-present-keys": claim})

    def state(self, value: Mapping[str, Any], *, commit: bool = False) -> None:
        """STATE: it covers all that was sent before; `commit` asks the target to commit that now."""
        self.emit({"type": "STATE", "value": value} | ({"x-commit": True} if commit else {}))


def chunks(batches: Iterator[pa.RecordBatch], settings: Settings) -> Iterator[pa.Table]:
    """The rows in pieces of about batch_rows, bounded by batch_bytes."""
    pending: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        pending.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= settings.batch_rows or size >= settings.batch_bytes:
            yield pa.Table.from_batches(pending)
            pending, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(pending)


def _batch(selection: Selection, addresses: list[str], form: str) -> dict[str, Any]:
    return {
        "type": "BATCH",
        "stream": selection.table.stream,
        "encoding": {"format": form, "compression": "none"},
        "manifest": addresses,
        "time_extracted": datetime.now(UTC).isoformat(),
    }


def _reject(selection: Selection, misfit: Misfit) -> dict[str, Any]:
    keys = {key: misfit.values.get(key) for key in selection.table.keys}
    about = misfit.values.get("customer_id")
    record = {
        "source_stream": selection.table.stream,
        "position": str(keys) if keys else "",
        "reason": misfit.reason,
        "raw_record": misfit.text(),
        "rule": "exact_type",
        "customer_id": about if isinstance(about, int) else None,
    }
    return {"type": "RECORD", "stream": "quality-rejects", "record": record}
