"""What the last publication says of itself: sources of which too much is held back, revenue out of the ordinary, and
systems whose streams fell behind or brought another number of records than usual.

Asked only after a run has ended, because nothing else changes it; a lake that cannot be asked is an incident itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from dagster import AssetKey

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.errors import LakehouseError
from ecommerce_pipeline.lakehouse.tables import existing
from ecommerce_pipeline.operations.alerts.findings import Wrong
from ecommerce_pipeline.settings import Settings

KINDS = ("quarantine", "revenue", "freshness", "volume")
UNREADABLE = "lake"  # the kind of incident that the lake itself is
CAUSE_CHARACTERS = 2000
SCORECARD, ANOMALIES = ("quality", "scorecard"), ("finance", "revenue_anomalies")
FRESHNESS, VOLUMES = ("quality", "freshness"), ("quality", "daily_volumes")
FEW = 20  # records: below that, a share says nothing
# the last load that brought records of the table, not the last run: one that brings none mends none
HELD_SQL = (
    "select source_system || '.' || source_table, max_by(owner, commit_seq), max_by(rows_checked, commit_seq), "
    "max_by(held, commit_seq) from quality.scorecard group by 1"
)
# a day still going on has a part of its sales yet
LATEST_DAY_SQL = (
    "select revenue_date, revenue, expected, robust_z, is_anomaly from finance.revenue_anomalies "
    "where revenue_date < date '{today}' order by revenue_date desc limit 1"
)

BEHIND_SQL = (
    "select source_system, source_table, owner, coalesce(days_behind, 0), allowed_days, latest_day, company_day "
    "from quality.freshness where not is_fresh order by source_system, source_table"
)
# the company's latest day may still be going on: it can have too many records already, but not yet too few
OFF_SQL = (
    "select source_system, source_table, owner, volume_date, records, coalesce(expected, at_least) "
    "from quality.daily_volumes "
    "where is_recent and (is_too_few or is_unusual) and (latest_day > volume_date or records > expected) "
    "order by source_system, volume_date, source_table"
)


def findings(settings: Settings, now: datetime) -> Iterator[Wrong]:
    """What is wrong with what readers see; nothing before the first publication. Raises LakehouseError, and what
    catalog, store and engine raise when they cannot be reached.
    """
    today = now.astimezone(ZoneInfo(settings.business_timezone)).date()
    asked: dict[tuple[str, str], tuple[str, Callable[[Sequence[Any]], Iterator[Wrong]]]] = {
        SCORECARD: (HELD_SQL, partial(_held, settings, now)),
        ANOMALIES: (LATEST_DAY_SQL.format(today=today), partial(_unusual, now)),
        FRESHNESS: (BEHIND_SQL, partial(_behind, now)),
        VOLUMES: (OFF_SQL, partial(_off, now)),
    }
    there = existing(settings, asked)
    if not there:
        return
    with reader.connect(settings) as lake:
        for sql, told in (asked[name] for name in asked if name in there):
            yield from told(lake.execute(sql).fetchall())


def unreadable(settings: Settings, error: Exception, now: datetime) -> Wrong:
    """That readers may see nothing, and that nobody can tell what they would see."""
    said = " ".join(str(error).split())[:CAUSE_CHARACTERS]
    cause = said if isinstance(error, LakehouseError) else f"{type(error).__name__}: {said}"
    if "Next: " not in cause:
        status = "`shopsphere stack status`, then " if settings.profile == "stack" else ""
        cause += f" Next: {status}`shopsphere doctor`."
    meanwhile = "Until it can be read, nobody is told of what is held back, revenue, freshness or volume."
    return Wrong(f"{UNREADABLE}:reading", "lake", "the lake cannot be read", now, f"{cause}\n{meanwhile}")


def _held(settings: Settings, now: datetime, rows: Sequence[Any]) -> Iterator[Wrong]:
    limit = settings.alerts_quarantine_share
    for table, owner, checked, held in rows:
        if held < FEW or held <= limit * checked:
            continue
        what = f"{held / checked if checked else 1:.1%} of what {table} sent last is held back"
        cause = (
            f"{held:,} of {checked:,} records broke a rule that holds them back, the limit is {limit:.1%}. "
            f"`shopsphere quarantine list --table {table}` shows which."
        )
        system, _, name = str(table).partition(".")
        raw = AssetKey([f"raw_{system}", name])
        yield Wrong(f"quarantine:{table}", "quarantine", what, now, cause, (raw,), (str(owner),))


def _unusual(now: datetime, rows: Sequence[Any]) -> Iterator[Wrong]:
    for day, revenue, expected, distance, is_anomaly in rows:
        if not is_anomaly:
            continue
        what = f"revenue of {day} is ${revenue:,.2f}, where ${expected:,.2f} was expected"
        cause = (
            f"That is {distance:+.1f} robust deviations from the same weekday in the eight weeks before. Either the "
            "business had such a day, or a source sent a part, or sent it twice."
        )
        yield Wrong("revenue:latest", "revenue", what, now, cause, (AssetKey(list(ANOMALIES)),))


def _behind(now: datetime, rows: Sequence[Any]) -> Iterator[Wrong]:
    """One incident a system: what keeps its streams back is mostly one thing."""
    for system, late in _by_system(rows):
        cause = "\n".join(
            f"{system}.{table}: the latest record is of {latest}, {behind} days behind, {allowed} are allowed"
            if latest
            else f"{system}.{table}: no record has ever come"
            for _, table, _, behind, allowed, latest, _ in late
        )
        what = f"{len(late)} of {system}'s streams lie behind the company's clock, {late[0][-1]}"
        yield Wrong(f"freshness:{system}", "freshness", what, now, cause, _raw(late), _owners(late))


def _off(now: datetime, rows: Sequence[Any]) -> Iterator[Wrong]:
    """One incident a system, as long as one of its last seven days is off."""
    for system, off in _by_system(rows):
        cause = "\n".join(
            f"{system}.{table} of {day}: {records:,} records, where {expected:,.0f} were expected"
            for _, table, _, day, records, expected in off
        )
        days = sorted({str(row[3]) for row in off})
        what = f"{system} brought an unusual number of records on {', '.join(days)}"
        yield Wrong(f"volume:{system}", "volume", what, now, cause, _raw(off), _owners(off))


def _by_system(rows: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    for system, found in groupby(rows, key=lambda row: str(row[0])):
        yield system, list(found)


def _raw(rows: Sequence[Any]) -> tuple[AssetKey, ...]:
    return tuple(dict.fromkeys(AssetKey([f"raw_{row[0]}", str(row[1])]) for row in rows))


def _owners(rows: Sequence[Any]) -> tuple[str, ...]:
    return tuple(sorted({str(row[2]) for row in rows}))
