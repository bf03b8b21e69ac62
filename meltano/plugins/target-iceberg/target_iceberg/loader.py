"""Singer messages → tables: the authority on when a stream is committed.

A stream is committed when the next stream's SCHEMA arrives or the input ends, and only up to its last STATE: rows that
no bookmark covers would come again. A tap may ask for a commit in between with `"x-commit": true` in a STATE, so that a
long first reading can be taken up again. So a tap that dies leaves the streams before it committed and its own
table as it was. A tap that sends no STATE at all keeps no bookmark, and its rows are committed at the end of the
input.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import msgspec

from .errors import LoadError
from .lease import hold_table
from .messages import Message, messages
from .record import canonical
from .rejects import STREAM as REJECTS_STREAM
from .settings import Settings, resolve_run_id
from .stream_load import StreamLoad

logger = logging.getLogger("target-iceberg")


class Loader(AbstractContextManager["Loader"]):
    """Loads one run; use as a context manager, so that leases are given back and unfinished files deleted."""

    def __init__(self, settings: Settings, emit_state: Callable[[Mapping[str, Any]], None]) -> None:
        """`emit_state` gets the state that is durable, after each commit."""
        from .catalog import open_catalog

        self._settings, self._emit_state = settings, emit_state
        self._catalog, self._run_id = open_catalog(settings), resolve_run_id(settings)
        self._loads: dict[str, StreamLoad] = {}
        self._schemas: dict[str, Mapping[str, Any]] = {}
        self._claims: Mapping[str, Any] | None = None
        self._seen_state = False
        self._durable: dict[str, Any] = {}
        self._leases, self._held = ExitStack(), set[str]()
        self._begun = set[str]()

    def load(self, lines: Iterable[bytes]) -> None:
        """Load everything, then commit what is left; raises LoadError, leaving uncommitted tables as they were."""
        for message in messages(lines):
            if message.type == "RECORD":
                self._on_records(message)
            else:
                self._dispatch(message.type, msgspec.json.decode(message.lines[0]))
        if not self._seen_state and self._claims is None:  # a tap that keeps no state
            for load in self._loads.values():
                load.on_state(None)
        self._commit(list(self._loads))

    def __exit__(self, *_: object) -> None:
        for load in self._loads.values():
            load.abandon()
        self._leases.close()

    def _dispatch(self, kind: str, message: dict[str, Any]) -> None:
        if kind == "STATE":
            self._on_state(message.get("value") or {})
            if message.get("x-commit"):
                self._commit([name for name, load in self._loads.items() if load.covered])
        elif kind == "SCHEMA":
            self._on_schema(message)
        elif kind == "BATCH":
            self._open(message["stream"]).on_batch(message)
        elif kind == "ACTIVATE_VERSION":
            self._open(message["stream"]).on_version(int(message["version"]))
        else:
            raise LoadError(
                f"target-iceberg: message type {kind!r} is not Singer. Next: check what the tap writes to its stdout"
            )

    def _on_records(self, message: Message) -> None:
        if message.stream != REJECTS_STREAM:
            self._open(message.stream).on_records(message.lines)
            return
        for line in message.lines:
            record = msgspec.json.decode(line)["record"]
            self._open(record["source_stream"]).on_reject(record)

    def _on_schema(self, message: dict[str, Any]) -> None:
        stream = message["stream"]
        if stream == REJECTS_STREAM:
            return
        if stream not in self._schemas:  # a new stream begins: those before it are complete
            self._commit([name for name, load in self._loads.items() if self._seen_state and load.covered])
        self._schemas[stream] = message
        self._open(stream).on_schema(message)

    def _on_state(self, value: Mapping[str, Any]) -> None:
        bookmarks = value.get("bookmarks") or {}
        if not self._schemas:  # before the first SCHEMA it is the state the run starts from
            self._claims = bookmarks
            self._durable = {key: item for key, item in value.items() if key != "bookmarks"} | {
                "bookmarks": dict(bookmarks)
            }
            return
        self._seen_state = True
        for stream, load in self._loads.items():
            load.on_state(bookmarks.get(stream))

    def _open(self, stream: str) -> StreamLoad:
        """The stream's load; begun anew if the stream was committed and goes on."""
        if stream not in self._loads:
            schema = self._schemas.get(stream)
            if schema is None:
                raise LoadError(
                    f"stream {stream}: rows came before its SCHEMA. Next: check that the tap follows the Singer "
                    "protocol"
                )
            if stream not in self._held:
                self._leases.enter_context(hold_table(self._settings, stream, self._run_id))
                self._held.add(stream)
            claimed = None if self._claims is None else canonical(self._claims.get(stream))
            settings = self._settings_of(stream)
            self._loads[stream] = StreamLoad(self._catalog, settings, self._run_id, schema, claimed)
        return self._loads[stream]

    def _settings_of(self, stream: str) -> Settings:
        """A full refresh replaces the table once: what comes after this run's first commit goes on from there."""
        return msgspec.structs.replace(self._settings, full_refresh=False) if stream in self._begun else self._settings

    def _commit(self, streams: list[str]) -> None:
        for stream in streams:
            load = self._loads[stream]
            if load.finish():
                self._begun.add(stream)
                self._tell_state(stream, load.bookmark)
            del self._loads[stream]

    def _tell_state(self, stream: str, bookmark: str) -> None:
        value = msgspec.json.decode(bookmark)
        if value is not None:
            self._durable.setdefault("bookmarks", {})[stream] = value
        if self._claims is not None:
            self._claims = {**self._claims, stream: value}
        self._emit_state(self._durable)
