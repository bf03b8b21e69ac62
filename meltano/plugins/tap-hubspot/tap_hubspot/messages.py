"""Singer messages on the tap's stdout: the authority on their form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec


class Messages:
    """Writes messages to `out`, one a line; records are buffered, everything else goes out at once."""

    def __init__(self, out: BinaryIO) -> None:
        self.out = out
        self._now = datetime.now(UTC).isoformat()

    def schema(self, stream: str, schema: Mapping[str, Any], keys: Sequence[str]) -> None:
        """What the stream's rows look like."""
        self._now = datetime.now(UTC).isoformat()
        self._send({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": keys})

    def record(self, stream: str, record: Mapping[str, Any]) -> None:
        """One row."""
        self.out.write(self.record_line(stream, msgspec.json.encode(record)))

    def record_line(self, stream: str, record: bytes) -> bytes:
        """The RECORD message of a row that is JSON already; `time_extracted` is when its stream was begun."""
        message = {"type": "RECORD", "stream": stream, "record": msgspec.Raw(record), "time_extracted": self._now}
        return msgspec.json.encode(message) + b"\n"

    def activate_version(self, stream: str, version: int) -> None:
        """The rows sent so far are the whole table."""
        self._send({"type": "ACTIVATE_VERSION", "stream": stream, "version": version})

    def state(self, bookmarks: Mapping[str, Any]) -> None:
        """Everything sent so far is covered by these bookmarks."""
        self._send({"type": "STATE", "value": {"bookmarks": bookmarks}})

    def _send(self, message: Mapping[str, Any]) -> None:
        self.out.write(msgspec.json.encode(message) + b"\n")
        self.out.flush()
