"""A run of the tap: STATE it starts from, then per stream SCHEMA, batches, STATE; the authority on what a bookmark
claims.

A bookmark is sent only after all rows it covers. A stream without new rows keeps its bookmark to the letter, so that
the target commits nothing. Streams read from the source's log come first, all of them together (`replication`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .catalog import selections
from .deletes import COMPARED_AT, compared_at, is_due, send_present_keys
from .model import AFTER, Reading, Selection, Session
from .outbox import Emit, Outbox, chunks
from .overlap import later
from .progress import Progress
from .settings import Settings
from .stage import sweep

logger = logging.getLogger("tap-sql")


class Extraction:
    """Reads the selected streams of one session."""

    def __init__(self, settings: Settings, session: Session, state: Mapping[str, Any], emit: Emit) -> None:
        sweep(settings.stage)
        self._settings, self._session = settings, session
        self._outbox = Outbox(emit, settings)
        self._state: dict[str, Any] = {**state, "bookmarks": dict(state.get("bookmarks") or {})}

    def run(self, catalog: Mapping[str, Any]) -> None:
        """Read every selected stream; raises TapError."""
        self._outbox.state(self._state)  # the bookmarks this run starts from: the target compares them
        chosen = list(selections(catalog, self._session.tables()))
        if any(selection.log_based for selection in chosen):
            from .replication import Replication

            with self._session.log() as log:
                Replication(self._settings, log, self._state, self._outbox).run(catalog, chosen)
        for selection in chosen:
            if not selection.log_based:
                self._read_stream(selection)

    def _read_stream(self, selection: Selection) -> None:
        stream, key = selection.table.stream, selection.replication_key
        before = self._state["bookmarks"].get(stream)
        reading = self._session.plan(selection, before)
        logger.info("%s: reading %s", stream, reading.why)
        self._outbox.schema(selection, overlap=reading.overlap)
        progress = Progress(stream, reading.expected)
        *parts, last = (reading, *reading.then)
        for part in parts:
            self._send_rows(selection, part, progress)
            self._outbox.state(self._state, commit=True)
        self._send_rows(selection, last, progress)
        self._compare_keys(selection, before)
        if key is None:
            bookmark: dict[str, Any] = {"version": _next_version(before)}
            self._outbox.emit({"type": "ACTIVATE_VERSION", "stream": stream, "version": bookmark["version"]})
            self._state["bookmarks"][stream] = bookmark
        self._outbox.state(self._state)
        logger.info("%s: %s rows sent", stream, f"{progress.rows:,}")

    def _send_rows(self, selection: Selection, reading: Reading, progress: Progress) -> None:
        """Stage and announce the reading's rows; the bookmark of an incremental stream covers them then."""
        stream, highest, already = selection.table.stream, None, progress.rows
        for raw in chunks(self._session.read(reading.sql), self._settings):
            batch = self._outbox.rows(selection, raw)
            highest = _higher(highest, batch, selection.replication_key)
            progress.add(raw.num_rows)
        before = self._state["bookmarks"].get(stream)
        partial = AFTER in reading.extras or AFTER in (before or {})
        if selection.replication_key is not None and (progress.rows > already or partial):
            self._state["bookmarks"][stream] = self._bookmark(selection, reading, before, highest)

    def _compare_keys(self, selection: Selection, before: Mapping[str, Any] | None) -> None:
        """Have what is gone marked deleted, if it is time for it; `before` is the bookmark the run began with."""
        now, bookmarks = datetime.now(UTC), self._state["bookmarks"]
        if is_due(selection, before, now=now):
            send_present_keys(self._session, selection, self._settings, self._outbox, {})
        compared = compared_at(selection, before, now=now)
        if compared is not None and selection.table.stream in bookmarks:
            bookmarks[selection.table.stream] = {**bookmarks[selection.table.stream], COMPARED_AT: compared}

    def _bookmark(
        self, selection: Selection, reading: Reading, before: Mapping[str, Any] | None, highest: Any
    ) -> dict[str, Any]:
        column = selection.key_column
        same_key = (before or {}).get("replication_key") == selection.replication_key
        value = (before or {}).get("replication_key_value") if same_key else None
        if highest is not None and column is not None:
            found = self._session.clamp(highest, column)
            text = found.isoformat() if hasattr(found, "isoformat") else found
            value = text if value is None or later(column, text, value) else value
        return {"replication_key": selection.replication_key, "replication_key_value": value, **reading.extras}


def _higher(highest: Any, batch: pa.Table, key: str | None) -> Any:
    if key is None or not batch.num_rows:
        return highest
    found = pc.max(batch[key]).as_py()
    return found if highest is None or (found is not None and found > highest) else highest


def _next_version(before: Mapping[str, Any] | None) -> int:
    """A version later than the last one, even if the clock went back."""
    return max(int(time.time() * 1000), int((before or {}).get("version") or 0) + 1)
