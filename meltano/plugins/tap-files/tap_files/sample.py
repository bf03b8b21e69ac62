"""The first rows of a stream one by one, as JSON has them: for `--test`; a sync hands whole batches over."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import msgspec

from tap_files.declaration import Declaration
from tap_files.messages import Messages
from tap_files.settings import Settings
from tap_files.sync import StreamSync


class _FirstBatchError(Exception):
    """A batch has come, and one is enough."""


class _FirstBatch(Messages):
    """Keeps the rows of the first batch and stops the reading there."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())
        self.rows: list[dict[str, Any]] = []

    def batch(self, stream: str, address: str, form: str) -> None:  # noqa: ARG002
        """Take the rows of the file; raises _FirstBatchError."""
        import pyarrow as pa

        self.rows = pa.ipc.open_file(Path(unquote(urlparse(address).path))).read_all().to_pylist()
        raise _FirstBatchError


def sample(settings: Settings, stream: Declaration) -> Iterator[dict[str, Any]]:
    """The rows of the stream's first batch; raises FilesError."""
    messages = _FirstBatch()
    with tempfile.TemporaryDirectory(prefix="tap-files-test-") as folder, contextlib.suppress(_FirstBatchError):
        own = msgspec.structs.replace(settings, stage_dir=folder, batch_rows=1_000, batch_format="arrow")
        StreamSync(own, stream, messages).run({})
    for row in messages.rows:
        yield {name: value.isoformat() if isinstance(value, date | datetime) else value for name, value in row.items()}
