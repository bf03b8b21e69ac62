"""Runs a job or a selection in this process, against the lake's Dagster instance, and tells what happens as it happens.

The command line and the tests run the very jobs the UI runs; only who starts them differs. Every run is recorded in
ops.pipeline_runs at its end, whatever the end.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from dagster import DagsterEventType, DagsterInstance, Definitions, EventLogEntry, JobDefinition
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import RunFailureReason
from dagster._core.execution.api import execute_run
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from ecommerce_pipeline.operations import instance as instances
from ecommerce_pipeline.operations import jobs, run_ends
from ecommerce_pipeline.operations.selection import Target
from ecommerce_pipeline.settings import Settings

Listener = Callable[[EventLogEntry], None]
# The run's log is shown by the listener; Dagster's own console would print every event a second time.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Days:
    """The as_of days to build, ISO dates, both included; none means the day of the latest order."""

    start: str | None = None
    end: str | None = None

    def tags(self) -> dict[str, str]:
        """As Dagster's own UI would tag a run of one partition or of a range."""
        if self.start is None or self.end is None:
            return {}
        if self.start == self.end:
            return {PARTITION_NAME_TAG: self.start}
        return {ASSET_PARTITION_RANGE_START_TAG: self.start, ASSET_PARTITION_RANGE_END_TAG: self.end}


@dataclass(frozen=True)
class Outcome:
    """How a run ended: succeeded or not, what it materialised (address → metadata), and why, a text a failed step."""

    run_id: str
    succeeded: bool
    materialised: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failures: tuple[str, ...] = ()


def run(
    settings: Settings,
    definitions: Definitions,
    target: Target,
    days: Days = Days(),
    *,
    full_refresh: bool = False,
    listener: Listener | None = None,
) -> Outcome:
    """Run the target to its end; a failed run is an Outcome, not an exception."""
    with instances.open_instance(settings) as instance:
        run_id = str(uuid4())
        if listener:
            instance.add_event_listener(run_id, listener)
        try:
            return _execute(definitions, target, instance, run_id, days, full_refresh=full_refresh)
        finally:
            # an interrupted step keeps its place in the pool, and only Dagster's daemon would give it back
            instance.event_log_storage.free_concurrency_slots_for_run(run_id)
            run_ends.see_to(settings, instance, run_id, definitions.resolve_asset_graph)


def _execute(
    definitions: Definitions, target: Target, instance: DagsterInstance, run_id: str, days: Days, *, full_refresh: bool
) -> Outcome:
    job = _job(definitions, target)
    refresh = {"ops": {jobs.MODELS_OP: {"config": {"full_refresh": True}}}} if full_refresh else {}
    run = instance.create_run_for_job(
        job_def=job,
        run_id=run_id,
        run_config={**(job.run_config or {}), **refresh, **QUIET},
        tags={**job.run_tags, **instances.run_tags(run_id), **days.tags()},
        asset_selection=target.keys or None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = execute_run(InMemoryJob(job), run, instance)
    if any(_is_interruption(event) for event in result.all_events):
        raise KeyboardInterrupt  # Dagster has closed the run in good order; the caller must know that a person ended it
    return Outcome(run_id, result.success, _materialised(result), tuple(_failures(result)))


def _job(definitions: Definitions, target: Target) -> JobDefinition:
    if target.job:
        return definitions.resolve_job_def(target.job)
    return definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection=target.keys)


def _materialised(result: Any) -> dict[str, dict[str, Any]]:
    events = [event.materialization for event in result.all_events if event.is_step_materialization]
    return {
        ".".join(event.asset_key.path): {name: value.value for name, value in event.metadata.items()}
        for event in events
    }


def _is_interruption(event: Any) -> bool:
    if event.is_job_failure:
        return bool(event.job_failure_data.failure_reason == RunFailureReason.UNEXPECTED_TERMINATION)
    return bool(event.event_type == DagsterEventType.RUN_CANCELED)


def _failures(result: Any) -> list[str]:
    """A text a failed step, or one of the run: what the failure itself says, else the innermost cause."""
    found: list[str] = []
    for event in result.all_events:
        if event.is_job_failure and event.job_failure_data.error and not found:
            found.append(f"the run: {_innermost(event.job_failure_data.error)}")
        elif event.is_step_failure:
            data = event.step_failure_data
            said = data.user_failure_data.description if data.user_failure_data else None
            found.append(f"{event.step_key}: {said or _innermost(data.error)}")
    return found


def _innermost(error: Any) -> str:
    while error.cause is not None:
        error = error.cause
    return str(error.message).strip()
