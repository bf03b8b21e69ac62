"""Days that were missed: the tables kept by day have a row set for each, and an outage leaves a gap behind.

Everything else needs no catching up, because a stream goes on from its bookmark. The gap is one run, not one a day.
The lake says which days there are, because a table may have been restored or rolled back since Dagster saw it made;
Dagster says when each was made, because a day that was built before its end lacks the evening.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dagster import AssetKey, AssetRecordsFilter, DagsterInstance, RunsFilter

from ecommerce_pipeline.settings import Settings

DAY = timedelta(days=1)
LOOK_BACK = timedelta(days=31)  # before a table's last day; what is missing further back, a person asks for
MOST_RECORDS = 1000

Held = Mapping[AssetKey, Collection[date]]


def missed(settings: Settings, instance: DagsterInstance, held: Held, until: date) -> tuple[str, str]:
    """The first and the last business day to build, ISO dates: from the earliest day that a table lacks, or has only in
    part, to `until`, within the company's calendar. `until` alone if nothing is missing, or nothing was ever built.

    `held` are the days of each table whose past days can be built again.
    """
    zone = ZoneInfo(settings.business_timezone)
    first = min([until, *(_first_of(instance, key, held[key], until, zone) for key in held)])
    return max(first, settings.first_day).isoformat(), until.isoformat()


def _first_of(instance: DagsterInstance, key: AssetKey, held: Collection[date], until: date, zone: ZoneInfo) -> date:
    """The earliest day that one table lacks or has in part; `until` if there is none."""
    past = sorted(day for day in held if day <= until)
    if not past:
        return until
    start = max(past[0], past[-1] - LOOK_BACK)
    made = _made(instance, key, [day for day in past if day >= start])
    whole = {day for day, at in made.items() if at >= datetime.combine(day + DAY, time(), zone)}
    # days from before Dagster's memory, as after a restore on a new machine, are taken as they are; but the last
    known_from = min(whole, default=past[-1])
    day = start
    while day < until:
        if day not in held or (day not in whole and (day in made or day >= known_from)):
            return day
        day += DAY
    return until


def _made(instance: DagsterInstance, key: AssetKey, days: Collection[date]) -> dict[date, datetime]:
    """When the sources were read for the latest build of each day: a run that began before midnight saw no more."""
    wanted = AssetRecordsFilter(asset_key=key, asset_partitions=[day.isoformat() for day in days])
    records = instance.fetch_materializations(wanted, limit=MOST_RECORDS, ascending=False).records
    runs = (
        instance.get_run_records(RunsFilter(run_ids=sorted({record.run_id for record in records}))) if records else []
    )
    began = {run.dagster_run.run_id: run.start_time for run in runs if run.start_time}
    made: dict[date, datetime] = {}
    for record in records:
        if record.partition_key is not None:
            at = datetime.fromtimestamp(began.get(record.run_id, record.timestamp), UTC)
            day = date.fromisoformat(record.partition_key)
            made[day] = max(at, made.get(day, at))
    return made
