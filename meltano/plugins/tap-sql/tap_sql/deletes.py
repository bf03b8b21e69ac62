"""Deleted rows of a stream that is no log: found by comparing keys, which is all that is read of the table for it.

`compare-keys-hours` in a stream's metadata says how often; the bookmark keeps when it was done last. On PostgreSQL keys
and rows come from one snapshot. On MySQL the keys are read after the rows: what was deleted in between is marked, what
came in between is found by the next run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from .exact import exact
from .model import Selection, Session
from .outbox import Outbox, chunks
from .settings import Settings

logger = logging.getLogger("tap-sql")
COMPARED_AT = "keys_compared_at"


def compared_at(selection: Selection, before: Mapping[str, Any] | None, *, now: datetime) -> str | None:
    """When the keys were last compared once this run has ended, ISO 8601; None if they never are, or always.

    A first run has nothing to compare with, so its own time counts. Of a stream whose keys every run compares nothing
    is noted: the bookmark would move, and the target commit it, though nothing has happened.
    """
    if not selection.compare_keys_hours:
        return None
    last = (before or {}).get(COMPARED_AT)
    if before and not is_due(selection, before, now=now):
        return str(last)
    return now.isoformat()


def is_due(selection: Selection, before: Mapping[str, Any] | None, *, now: datetime) -> bool:
    """Whether this run compares the keys; `now` has its zone. A clock that went back compares."""
    if selection.compare_keys_hours is None or not before:
        return False
    last = before.get(COMPARED_AT)
    if last is None:
        return True
    age = now - datetime.fromisoformat(str(last))
    return not timedelta(0) <= age < timedelta(hours=selection.compare_keys_hours)


def send_present_keys(
    session: Session, selection: Selection, settings: Settings, outbox: Outbox, marks: Mapping[str, Any]
) -> int:
    """Send the keys of all rows there are; what the target has besides is marked deleted now, with `marks`.

    Returns their number.
    """
    now, count = datetime.now(UTC).replace(tzinfo=None), 0
    for keys in _keys(session, selection, settings):
        outbox.present_keys(selection, keys, now, marks, last=False)
        count += keys.num_rows
    outbox.present_keys(selection, None, now, marks)
    logger.info("%s: %s keys compared", selection.table.stream, f"{count:,}")
    return count


def _keys(session: Session, selection: Selection, settings: Settings) -> Iterator[pa.Table]:
    columns = tuple(column for column in selection.columns if column.name in selection.table.keys)
    for raw in chunks(session.read(session.plan(Selection(selection.table, columns, None), None).sql), settings):
        keys, _ = exact(raw, columns)
        yield keys
