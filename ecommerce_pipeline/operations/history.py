"""The runs that Dagster remembers, as lines fit to be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from dagster import DagsterEventType, DagsterInstance, RunsFilter
from dagster._core.storage.dagster_run import RunRecord


@dataclass(frozen=True)
class PastRun:
    """One run; times are UTC, seconds empty while it runs."""

    run_id: str
    job: str
    started: str
    seconds: str
    status: str
    assets: int


@dataclass(frozen=True)
class EndedRun:
    """A run that came to an end; times are UTC."""

    run_id: str
    job: str
    started: datetime
    ended: datetime
    succeeded: bool


def ended_since(instance: DagsterInstance, since: datetime) -> list[EndedRun]:
    """The runs that started since a time (UTC) and have ended, oldest first."""
    records = instance.get_run_records(RunsFilter(created_after=since), order_by="create_timestamp", ascending=True)
    return [
        EndedRun(
            record.dagster_run.run_id,
            record.dagster_run.job_name,
            datetime.fromtimestamp(record.start_time, UTC),
            datetime.fromtimestamp(record.end_time, UTC),
            record.dagster_run.is_success,
        )
        for record in records
        if record.start_time and record.end_time
    ]


def latest(instance: DagsterInstance, limit: int) -> Iterator[PastRun]:
    """The latest runs, newest first."""
    for record in instance.get_run_records(limit=limit):
        yield _past_run(instance, record)


def _past_run(instance: DagsterInstance, record: RunRecord) -> PastRun:
    run = record.dagster_run
    made = instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
    start, end = record.start_time, record.end_time
    return PastRun(
        run_id=run.run_id,
        job="a selection" if run.job_name.startswith("__ASSET_JOB") else run.job_name,
        started=f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d %H:%M:%S}" if start else "",
        seconds=f"{end - start:.1f}" if start and end else "",
        status=run.status.value.lower(),
        assets=len(made),
    )
