"""A run of the tap: STATE it starts from, then per stream SCHEMA, batches, STATE; the authority on what a bookmark
claims.

A bookmark is sent only after all rows it covers. A stream without new rows keeps its bookmark to the letter, so that
the target commits nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .catalog import selections
from .exact import Misfit, exact
from .model import Overlap, Reading, Selection, Session
from .settings import Settings
from .stage import Stage, sweep

logger = logging.getLogger("tap-sql")
Emit = Callable[[Mapping[str, Any]], None]
PROGRESS_SECONDS = 3.0


class Extraction:
    """Reads the selected streams of one session."""

    def __init__(self, settings: Settings, session: Session, state: Mapping[str, Any], emit: Emit) -> None:
        sweep(settings.stage)
        self._settings, self._session, self._emit = settings, session, emit
        self._stage = Stage(settings.stage, settings.batches_ahead)
        self._state: dict[str, Any] = {**state, "bookmarks": dict(state.get("bookmarks") or {})}

    def run(self, catalog: Mapping[str, Any]) -> None:
        """Read every selected stream; raises TapError."""
        self._emit(
            {"type": "STATE", "value": self._state}
        )  # the bookmarks this run starts from: the target compares them
        for selection in list(selections(catalog, self._session.tables())):
            self._read_stream(selection)

    def _read_stream(self, selection: Selection) -> None:
        stream, key = selection.table.stream, selection.replication_key
        before = self._state["bookmarks"].get(stream)
        reading = self._session.plan(selection, before)
        logger.info("%s: reading %s", stream, reading.why)
        self._emit(_schema_message(selection, reading.overlap))
        rows, highest = self._send_rows(selection, reading)
        if key is None:
            bookmark: dict[str, Any] = {"version": _next_version(before)}
            self._emit({"type": "ACTIVATE_VERSION", "stream": stream, "version": bookmark["version"]})
            self._state["bookmarks"][stream] = bookmark
        elif rows:
            self._state["bookmarks"][stream] = self._bookmark(selection, reading, before, highest)
        self._emit({"type": "STATE", "value": self._state})
        logger.info("%s: %s rows sent", stream, f"{rows:,}")

    def _send_rows(self, selection: Selection, reading: Reading) -> tuple[int, Any]:
        """Stage and announce all rows; returns their number and the highest replication key."""
        stream, rows, highest = selection.table.stream, 0, None
        told = began = time.monotonic()
        for raw in self._chunks(reading.sql):
            batch, misfits = exact(raw, selection.columns)
            for misfit in misfits:
                self._emit(_reject_message(selection, misfit))
            rows += raw.num_rows
            highest = _higher(highest, batch, selection.replication_key)
            if batch.num_rows:
                self._emit(_batch_message(stream, self._stage.put(batch)))
            if (now := time.monotonic()) - told > PROGRESS_SECONDS:
                told = now
                logger.info("%s: %s rows read, %s rows/s", stream, f"{rows:,}", f"{rows / (now - began):,.0f}")
        return rows, highest

    def _chunks(self, sql: str) -> Iterator[pa.Table]:
        """The query's rows in pieces of about batch_rows, bounded by batch_bytes."""
        pending: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in self._session.read(sql):
            pending.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= self._settings.batch_rows or size >= self._settings.batch_bytes:
                yield pa.Table.from_batches(pending)
                pending, rows, size = [], 0, 0
        if rows:
            yield pa.Table.from_batches(pending)

    def _bookmark(
        self, selection: Selection, reading: Reading, before: Mapping[str, Any] | None, highest: Any
    ) -> dict[str, Any]:
        column = selection.key_column
        same_key = (before or {}).get("replication_key") == selection.replication_key
        value = (before or {}).get("replication_key_value") if same_key else None
        if highest is not None and column is not None:
            found = self._session.clamp(highest, column)
            text = found.isoformat() if hasattr(found, "isoformat") else found
            value = text if value is None or _sortable(text) > _sortable(value) else value
        return {"replication_key": selection.replication_key, "replication_key_value": value, **reading.extras}


def _sortable(value: Any) -> Any:
    """Bookmarks of one column compare as numbers, or as points in time of the same notation."""
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value


def _higher(highest: Any, batch: pa.Table, key: str | None) -> Any:
    if key is None or not batch.num_rows:
        return highest
    found = pc.max(batch[key]).as_py()
    return found if highest is None or (found is not None and found > highest) else highest


def _next_version(before: Mapping[str, Any] | None) -> int:
    """A version later than the last one, even if the clock went back."""
    return max(int(time.time() * 1000), int((before or {}).get("version") or 0) + 1)


def _schema_message(selection: Selection, overlap: Overlap | None) -> dict[str, Any]:
    """SCHEMA; `x-overlap` tells the target which rows may stand in its table already."""
    again = {} if overlap is None else {"x-overlap": {"column": overlap.column, "since": overlap.since}}
    return {
        "type": "SCHEMA",
        "stream": selection.table.stream,
        "schema": {"type": "object", "properties": {column.name: dict(column.schema) for column in selection.columns}},
        "key_properties": list(selection.table.keys),
        "bookmark_properties": [selection.replication_key] if selection.replication_key else [],
        **again,
    }


def _batch_message(stream: str, address: str) -> dict[str, Any]:
    return {
        "type": "BATCH",
        "stream": stream,
        "encoding": {"format": "parquet", "compression": "none"},
        "manifest": [address],
        "time_extracted": datetime.now(UTC).isoformat(),
    }


def _reject_message(selection: Selection, misfit: Misfit) -> dict[str, Any]:
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
