"""Runs that ended: which steps failed and why, and which of them are well again.

A step is the unit, not the run: a source that is down is one incident however many runs meet it, and it is over when
its own step succeeds, whichever run that is in. A run that a person stopped is nobody's alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRunStatus, EventLogEntry, RunRecord, RunsFilter
from dagster._core.events import RunFailureReason

from ecommerce_pipeline.operations.alerts.findings import Finding, Healed, Wrong
from ecommerce_pipeline.operations.instance import PID_TAG
from ecommerce_pipeline.operations.jobs import DAILY_UPDATE

ENDS = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]
TOLD_OF = {
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.RUN_FAILURE,
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_MATERIALIZATION,
}
CAUSE_CHARACTERS = 2000
SELECTION = "a selection"  # what the command line ran without a job's name


def ended_since(instance: DagsterInstance, since: datetime) -> list[RunRecord]:
    """Runs that ended, and whose record changed after `since`, in that order."""
    wanted = RunsFilter(statuses=ENDS, updated_after=since)
    return list(instance.get_run_records(wanted, order_by="update_timestamp", ascending=True))


def findings(instance: DagsterInstance, record: RunRecord) -> Iterator[Finding]:
    """What one ended run says of its steps, and of itself."""
    run, at = record.dagster_run, datetime.fromtimestamp(record.end_time or 0.0, UTC)
    entries = [entry for entry in instance.all_logs(run.run_id) if entry.dagster_event_type in TOLD_OF]
    if run.is_failure and PID_TAG in run.tags and _was_interrupted(entries):
        return
    job = SELECTION if run.job_name.startswith("__ASSET_JOB") else run.job_name
    steps = dict(_ended_steps(entries))
    for step, entry in steps.items():
        if entry.dagster_event_type == DagsterEventType.STEP_SUCCESS:
            well = datetime.fromtimestamp(entry.timestamp, UTC)  # not the run's end: the step may have failed since
            yield from (Healed(f"{kind}:{step}", well) for kind in ("run", "check"))
        else:
            yield _failed_step(step, entry, entries, job, run.run_id)
    yield from _checks(entries, steps, run.run_id)
    if run.is_success:
        yield from (Healed(f"run:{name}", at) for name in {job, SELECTION if job == DAILY_UPDATE else job})
    elif not any(entry.dagster_event_type == DagsterEventType.STEP_FAILURE for entry in steps.values()):
        what = f"{job} ended before its steps did"
        yield Wrong(f"run:{job}", "run", what, at, _run_failure(entries), _not_made(entries), run_id=run.run_id)


def _ended_steps(entries: Iterable[EventLogEntry]) -> Iterator[tuple[str, EventLogEntry]]:
    for entry in entries:
        if entry.step_key and entry.dagster_event_type in (
            DagsterEventType.STEP_SUCCESS,
            DagsterEventType.STEP_FAILURE,
        ):
            yield entry.step_key, entry


def _failed_step(step: str, entry: EventLogEntry, entries: list[EventLogEntry], job: str, run_id: str) -> Wrong:
    at = datetime.fromtimestamp(entry.timestamp, UTC)
    said, metadata = _said(entry)
    refused = [str(name) for name in metadata.get("refused", ())]
    if any(name.startswith("check ") for name in refused):
        checks = "a blocking check" if len(refused) == 1 else f"{len(refused)} blocking checks"
        what = f"{checks} failed; readers keep yesterday's tables"
        return Wrong(f"check:{step}", "check", what, at, said, _tables_refused(entries), run_id=run_id)
    return Wrong(f"run:{step}", "run", f"{step} failed in {job}", at, said, _not_made(entries, step), run_id=run_id)


def _checks(entries: Iterable[EventLogEntry], steps: Mapping[str, EventLogEntry], run_id: str) -> Iterator[Finding]:
    """Checks of error severity that failed although their step went on, as those of the dashboards do; and all that
    hold.
    """
    for entry in entries:
        check, step = entry.asset_check_evaluation, steps.get(entry.step_key or "")
        if check is None or step is None or step.dagster_event_type != DagsterEventType.STEP_SUCCESS:
            continue
        at, table = datetime.fromtimestamp(entry.timestamp, UTC), ".".join(check.asset_key.path)
        key = f"check:{table}:{check.check_name}"
        if check.passed:
            yield Healed(key, at)
        elif check.severity.value == "ERROR":
            found = "\n".join(f"{name}: {value.value}" for name, value in check.metadata.items() if value.value)
            what = f"{check.check_name} of {table} does not hold"
            yield Wrong(key, "check", what, at, found[:CAUSE_CHARACTERS], (check.asset_key,), run_id=run_id)


def _said(entry: EventLogEntry) -> tuple[str, Mapping[str, Any]]:
    """What the failure itself says, else the innermost cause; and its metadata."""
    event = entry.dagster_event
    data = event.step_failure_data if event else None
    if data is None:
        return entry.user_message[:CAUSE_CHARACTERS], {}
    own = data.user_failure_data
    metadata = {name: value.value for name, value in own.metadata.items()} if own and own.metadata else {}
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    said = (own.description if own else None) or (error.message if error else "")
    return str(said).strip()[:CAUSE_CHARACTERS], metadata


def _run_failure(entries: Iterable[EventLogEntry]) -> str:
    said = [entry.dagster_event for entry in entries if entry.dagster_event_type == DagsterEventType.RUN_FAILURE]
    return str(said[-1].message or "")[:CAUSE_CHARACTERS] if said and said[-1] else ""


def _was_interrupted(entries: Iterable[EventLogEntry]) -> bool:
    events = [entry.dagster_event for entry in entries if entry.dagster_event_type == DagsterEventType.RUN_FAILURE]
    return any(
        event is not None
        and event.event_specific_data is not None
        and event.job_failure_data.failure_reason == RunFailureReason.UNEXPECTED_TERMINATION
        for event in events
    )


def _not_made(entries: Iterable[EventLogEntry], step: str | None = None) -> tuple[AssetKey, ...]:
    """Assets that were planned (by this step) and not materialised."""
    planned, made = set(), set()
    for entry in entries:
        event = entry.dagster_event
        if event is None or event.asset_key is None:
            continue
        if entry.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED and step in (
            None,
            entry.step_key,
        ):
            planned.add(event.asset_key)
        elif entry.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION:
            made.add(event.asset_key)
    return tuple(sorted(planned - made))


def _tables_refused(entries: Iterable[EventLogEntry]) -> tuple[AssetKey, ...]:
    checks = [entry.asset_check_evaluation for entry in entries]
    refused = {check.asset_key for check in checks if check and not check.passed and check.severity.value == "ERROR"}
    return tuple(sorted(refused))
