"""Where a run begins to read again, so that what was committed late is found: some way behind the bookmark."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from .errors import TapError
from .model import Bookmark, Column, Overlap, Selection
from .settings import Settings


def behind(key: Column, value: Any, settings: Settings) -> str | int:
    """The bookmark's value less the overlap: a number, or an ISO date or point in time as the key has them.

    Raises TapError for a key that is neither, behind which nothing can be told.
    """
    kind = str(key.schema["x-iceberg-type"])
    if _is_number(key):
        return math.floor(Decimal(str(value))) - settings.overlap_keys
    if kind not in {"date", "timestamp", "timestamptz"}:
        raise TapError(
            f"tap-sql: replication-key {key.name} is {key.sql_type}: of that type nobody can say how far behind a "
            "bookmark to read again. Next: set replication-key to a number, a date or a time stamp, or "
            "replication-method to FULL_TABLE"
        )
    moment = datetime.fromisoformat(str(value))
    if kind == "date":
        days = -(-settings.overlap_seconds // 86_400)
        return (date.fromisoformat(str(value)[:10]) - timedelta(days=days)).isoformat()
    return (moment - timedelta(seconds=settings.overlap_seconds)).isoformat()


def everything_again(selection: Selection, bookmark: Bookmark | None) -> Overlap | None:
    """What a target must compare when a stream begins anew though its bookmark says that rows were loaded.

    Without a key nothing else tells that a row is the one loaded before. With one, it is a version more of the same,
    and the table need not fit into the target's memory.
    """
    if selection.replication_key is None or not bookmark or selection.table.keys:
        return None
    return Overlap(selection.replication_key, None)


def later(key: Column, one: Any, other: Any) -> bool:
    """Whether one bookmark's value of the column is later than another; numbers may be text, as JSON has decimals."""
    return bool(_sortable(key, one) > _sortable(key, other))


def _sortable(key: Column, value: Any) -> Any:
    if _is_number(key):
        return Decimal(str(value))
    if pa.types.is_timestamp(key.arrow):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value


def _is_number(key: Column) -> bool:
    kind = key.arrow
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
