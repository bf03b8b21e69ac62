"""How fresh the streams are, and how much they bring a day: the part of the report that counts days, not records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

FRESHNESS, VOLUMES = ("quality", "freshness"), ("quality", "daily_volumes")
DAYS = 28


class Lag(NamedTuple):
    """How far a stream lies behind the company's clock, in days; both None for one that never brought a record."""

    stream: str
    owner: str
    latest_day: date | None
    days_behind: int | None
    allowed_days: int
    is_fresh: bool


class Volume(NamedTuple):
    """What a stream brought on a day, and what the weekday usually has (None before its second week)."""

    stream: str
    owner: str
    day: date
    records: int
    expected: Decimal | None
    is_off: bool

    @property
    def per_cent(self) -> float:
        """Of the usual number; 100 where none is known."""
        return 100 * self.records / float(self.expected) if self.expected else 100.0


def lags(lake: Any) -> Sequence[Lag]:
    """Every stream with a deadline, the latest first."""
    return [Lag._make(row) for row in lake.execute(_LAGS_SQL).fetchall()]


def volumes(lake: Any) -> Sequence[Volume]:
    """The last four weeks of each stream, in order."""
    return [Volume._make(row) for row in lake.execute(_VOLUMES_SQL).fetchall()]


def by_stream(found: Sequence[Volume]) -> Mapping[str, Sequence[Volume]]:
    """The days of each stream."""
    return {name: [one for one in found if one.stream == name] for name in dict.fromkeys(one.stream for one in found)}


_LAGS_SQL = """
select source_system || '.' || source_table, owner, latest_day, days_behind, allowed_days, is_fresh
from quality.freshness order by is_fresh, days_behind desc, 1
"""
_VOLUMES_SQL = f"""
select source_system || '.' || source_table, owner, volume_date, records, expected,
  is_recent and (is_too_few or is_unusual)
from quality.daily_volumes
where volume_date > latest_day - interval '{DAYS}' day order by 1, volume_date
"""  # noqa: S608 - our own names
