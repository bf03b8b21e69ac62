"""What the dashboards do after a run: show its tables, and when a server is there, ask every chart anew.

Runs of the command line bring the views up to date by themselves; this sensor sees to those that the UI or a schedule
started. Without a dashboard server it does nothing.
"""

from collections.abc import Sequence

from dagster import (
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunStatusSensorContext,
    RunStatusSensorDefinition,
    SkipReason,
    run_status_sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ecommerce_pipeline.dashboards import contract, server, views
from ecommerce_pipeline.dashboards.contract import Manifest
from ecommerce_pipeline.settings import Settings


def sensors(
    settings: Settings, manifest: Manifest, job: UnresolvedAssetJobDefinition
) -> Sequence[RunStatusSensorDefinition]:
    """The sensor that requests `job`, the one over all dashboards."""

    @run_status_sensor(
        name="dashboards_follow",
        run_status=DagsterRunStatus.SUCCESS,
        request_job=job,
        default_status=DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="After a run that published something, shows it on the dashboards and asks every chart.",
    )
    def dashboards_follow(context: RunStatusSensorContext) -> RunRequest | SkipReason:
        if context.dagster_run.job_name == job.name:
            return SkipReason("that run was the dashboards' own")
        if not follow(settings, manifest):
            return SkipReason("nothing was published since, or there is no dashboard server")
        if not server.is_running(settings):
            return SkipReason("the views are up to date; the dashboard server does not run")
        return RunRequest(run_key=context.dagster_run.run_id)

    return [dashboards_follow]


def follow(settings: Settings, manifest: Manifest) -> bool:
    """Brings the views up to the lake where they are kept; whether anything may have changed. Trino needs no views."""
    if settings.profile == "stack":
        return True
    return views.is_kept(settings) and views.refresh(settings, contract.read(manifest).tables.values())
