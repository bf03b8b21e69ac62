"""What happens when a run ends, however it ends: its record goes into ops.pipeline_runs.

Runs of the command line record themselves; this sensor sees to those that the UI or a schedule started.
"""

from collections.abc import Sequence

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunStatusSensorContext,
    RunStatusSensorDefinition,
    SkipReason,
    run_status_sensor,
)

from ecommerce_pipeline.operations import pipeline_runs
from ecommerce_pipeline.operations.instance import PID_TAG
from ecommerce_pipeline.settings import Settings

ENDS = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def sensors(settings: Settings) -> Sequence[RunStatusSensorDefinition]:
    """One sensor an end that a run can come to."""
    return [_record_on(settings, status) for status in ENDS]


def _record_on(settings: Settings, status: DagsterRunStatus) -> RunStatusSensorDefinition:
    @run_status_sensor(
        name=f"record_runs_{status.value.lower()}",
        run_status=status,
        default_status=DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description=f"Writes runs that ended in {status.value} into ops.pipeline_runs.",
    )
    def record_runs(context: RunStatusSensorContext) -> SkipReason:
        if PID_TAG in context.dagster_run.tags:
            return SkipReason(f"run {context.dagster_run.run_id} has recorded itself")
        rows = pipeline_runs.record(settings, context.instance, context.dagster_run.run_id)
        return SkipReason(f"recorded {rows} assets of run {context.dagster_run.run_id}")

    return record_runs
