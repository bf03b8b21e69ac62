"""Singer messages on the tap's stdout: the authority on their form.

Besides the messages of the Singer protocol there are rejects: records of the stream `quality-rejects`, which the
target keeps with reason, raw text and position, whatever stream they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec

REJECTS_STREAM = "quality-rejects"


class Messages:
    """Writes messages, one a line, each one at once: the target works while the tap reads."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def schema(self, stream: str, schema: Mapping[str, Any], keys: Sequence[str]) -> None:
        """What the stream's rows look like."""
        self._send({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": keys})

    def batch(self, stream: str, address: str, form: str) -> None:
        """A file of rows, read just now, Arrow or Parquet as `form` says; the target deletes it."""
        now = datetime.now(UTC).isoformat()
        encoding = {"format": form, "compression": "none"}
        message = {
            "type": "BATCH",
            "stream": stream,
            "encoding": encoding,
            "manifest": [address],
            "time_extracted": now,
        }
        self._send(message)

    def reject(self, record: Mapping[str, Any]) -> None:
        """A record that never became a row."""
        self._send({"type": "RECORD", "stream": REJECTS_STREAM, "record": record})

    def activate_version(self, stream: str, version: int) -> None:
        """The rows sent so far are the whole table."""
        self._send({"type": "ACTIVATE_VERSION", "stream": stream, "version": version})

    def state(self, bookmarks: Mapping[str, Any]) -> None:
        """Everything sent so far is covered by these bookmarks."""
        self._send({"type": "STATE", "value": {"bookmarks": bookmarks}})

    def _send(self, message: Mapping[str, Any]) -> None:
        self._out.write(msgspec.json.encode(message) + b"\n")
        self._out.flush()
