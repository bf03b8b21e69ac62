"""The replication slot: whether it can be read, how much it makes the server keep, what to do when it is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ..errors import TapError
from ..pgoutput import lsn_number, lsn_text
from ..settings import Settings

logger = logging.getLogger("tap-sql")
Query = Callable[[str], list[dict[str, Any]]]
_SLOT = """
select to_jsonb(s)::text as slot, (s.confirmed_flush_lsn - '0/0'::pg_lsn)::int8 as confirmed,
  (s.restart_lsn - '0/0'::pg_lsn)::int8 as restart, current_database()::text as here
from pg_replication_slots s where s.slot_name = '{name}'
"""
_SERVER = """
select current_setting('wal_level') as wal_level, current_setting('max_slot_wal_keep_size') as bound,
  (select setting::int8 from pg_settings where name = 'wal_segment_size') as segment
"""


@dataclass(frozen=True)
class Slot:
    """A slot as the server shows it; `lost` says why it can never be read again."""

    name: str
    confirmed: int
    restart: int
    lost: str | None = None


@dataclass(frozen=True)
class Server:
    """What of the server's configuration matters to a slot: `bound` as `max_slot_wal_keep_size` shows it."""

    bound: str
    segment: int


def read_server(query: Query) -> Server:
    """Raises TapError unless the server writes what logical decoding needs."""
    (row,) = query(_SERVER)
    if row["wal_level"] != "logical":
        raise TapError(
            f"tap-sql: the server's wal_level is {row['wal_level']}, LOG_BASED streams need logical. "
            "Next: alter system set wal_level = logical, and restart the server; or use INCREMENTAL"
        )
    return Server(row["bound"], row["segment"])


def read_slot(query: Query, name: str) -> Slot | None:
    """The slot, None if there is none; raises TapError if the name belongs to another database or plugin."""
    rows = query(_SLOT.format(name=name))
    if not rows:
        return None
    shown = msgspec.json.decode(rows[0]["slot"])
    if shown["plugin"] != "pgoutput" or shown["database"] != rows[0]["here"]:
        raise TapError(
            f"tap-sql: replication slot {name} belongs to database {shown['database']} and plugin {shown['plugin']}. "
            "Next: give this tap another slot"
        )
    lost = None
    if shown.get("wal_status") == "lost" or shown.get("invalidation_reason"):
        lost = f"the server has given it up ({shown.get('invalidation_reason') or 'wal_removed'})"
    return Slot(name, rows[0]["confirmed"] or 0, rows[0]["restart"] or 0, lost)


def why_lost(slot: Slot | None, bookmark: Mapping[str, Any], database: str, end: int) -> str | None:
    """Why the changes since the bookmark can never be read; None if they can. `end` is the log's."""
    if bookmark.get("database") != database:
        return "its bookmark was taken on another server or database"
    if slot is None:
        return "the slot is gone"
    if slot.lost is not None:
        return slot.lost
    position = lsn_number(bookmark["lsn"])
    if position > end:
        return f"the log ends at {lsn_text(end)}: the server was put back to an earlier state"
    if slot.confirmed > position:
        return f"the slot stands at {lsn_text(slot.confirmed)} already"
    return None


def refuse_lost(lost: Mapping[str, str], bookmarks: Mapping[str, Mapping[str, Any]], settings: Settings) -> None:
    """Raise TapError if streams have lost changes, unless the settings want them read whole."""
    if not lost:
        return
    told = "; ".join(f"{stream} from {bookmarks[stream]['lsn']} on: {why}" for stream, why in lost.items())
    if settings.on_lost_changes == "resnapshot":
        logger.warning("slot %s: changes are lost (%s), the tables are read whole", settings.slot, told)
        return
    raise TapError(
        f"tap-sql: changes are lost for ever, slot {settings.slot}: {told}. Nothing was read. Next: run once "
        "with on_lost_changes=resnapshot: the tables are read whole, and what is gone from them is marked deleted"
    )


def tell_lag(slot: Slot, server: Server, end: int, holder: str, warning_bytes: int) -> None:
    """Log what the slot makes the server keep, and warn if it is much or nothing bounds it."""
    kept = max(0, end - slot.restart)
    behind, by = _size(max(0, end - slot.confirmed)), f"; the stream furthest behind is {holder}" if holder else ""
    logger.info("slot %s: %s behind, the server keeps %s of its log for it%s", slot.name, behind, _size(kept), by)
    if kept > warning_bytes:
        logger.warning(
            "slot %s makes the server keep %s of its log, more than slot_warning_bytes%s. Next: run more often; if the "
            "stream is no longer wanted, see docs/guides/change-data-capture.md",
            slot.name,
            _size(kept),
            by,
        )
    if server.bound == "-1":
        logger.warning(
            "slot %s: nothing bounds what the server keeps for a slot that is not read. Next: "
            "alter system set max_slot_wal_keep_size = '10GB' (well below the free space of its disk)",
            slot.name,
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
