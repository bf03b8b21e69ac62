"""Rows one by one as JSON has them: for `--test` and for singer-sdk's own tests, never for a sync."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa

from .engines import engine_for
from .errors import TapError
from .exact import exact
from .model import Selection
from .settings import Settings


def records(settings: Settings, stream: str) -> Iterator[dict[str, Any]]:
    """The stream's rows, but those that do not fit their columns; raises TapError."""
    with engine_for(settings).connect() as session:
        found = [table for table in session.tables() if table.stream == stream]
        if not found:
            raise TapError(f"tap-sql: stream {stream}: its table is gone or may not be read. Next: discover again")
        table = found[0]
        for batch in session.read(session.plan(Selection(table, table.columns, None), None).sql):
            rows, _ = exact(pa.Table.from_batches([batch]), table.columns)
            for row in rows.to_pylist():
                yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return value
