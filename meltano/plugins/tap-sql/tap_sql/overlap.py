"""Where a run begins to read again, so that what was committed late is found: some way behind the bookmark."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from .model import Column
from .settings import Settings


def behind(key: Column, value: Any, settings: Settings) -> str | int:
    """The bookmark's value less the overlap: a number, or an ISO date or point in time as the key has them."""
    kind = str(key.schema["x-iceberg-type"])
    if kind not in {"date", "timestamp", "timestamptz"}:
        return int(value) - settings.overlap_keys
    moment = datetime.fromisoformat(str(value))
    if kind == "date":
        days = -(-settings.overlap_seconds // 86_400)
        return (date.fromisoformat(str(value)[:10]) - timedelta(days=days)).isoformat()
    return (moment - timedelta(seconds=settings.overlap_seconds)).isoformat()
