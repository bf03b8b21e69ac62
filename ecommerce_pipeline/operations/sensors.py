"""What happens by itself: a run that ended, however it ended, goes into ops.pipeline_runs, and somebody is told.

Runs of the command line record themselves, unless they are killed; the first sensors see to those, and to what the UI
or a schedule started.
"""

from collections.abc import Sequence

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunStatusSensorContext,
    RunStatusSensorDefinition,
    SensorDefinition,
    SkipReason,
    run_status_sensor,
)

from ecommerce_pipeline.operations import run_ends
from ecommerce_pipeline.operations.alerts.sensor import alerts
from ecommerce_pipeline.settings import Settings

ENDS = (DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)


def sensors(settings: Settings) -> Sequence[SensorDefinition]:
    """One sensor an end that a run can come to, and the alerts."""
    return [*(_record_on(settings, status) for status in ENDS), alerts(settings)]


def _record_on(settings: Settings, status: DagsterRunStatus) -> RunStatusSensorDefinition:
    @run_status_sensor(
        name=f"record_runs_{status.value.lower()}",
        run_status=status,
        default_status=DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description=f"Writes runs that ended in {status.value} into ops.pipeline_runs.",
    )
    def record_runs(context: RunStatusSensorContext) -> SkipReason:
        assert context.repository_def is not None  # noqa: S101 (the daemon always gives it)
        graph = context.repository_def.asset_graph
        rows = run_ends.see_to(settings, context.instance, context.dagster_run.run_id, lambda: graph)
        return SkipReason(f"recorded {rows} assets of run {context.dagster_run.run_id}; 0 if it has done so itself")

    return record_runs
