"""When things run by themselves: the day at three in the morning UTC, the housekeeping on Sundays.

Schedules are off until somebody switches them on in the UI, so that a laptop with the demo on it does nothing at night.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance, RunRequest, ScheduleDefinition, ScheduleEvaluationContext, schedule
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ecommerce_pipeline.operations import catch_up
from ecommerce_pipeline.operations.asset_graph import Graph
from ecommerce_pipeline.settings import Settings

DAILY_CRON = "0 3 * * *"
WEEKLY_CRON = "0 5 * * 0"


def schedules(settings: Settings, upkeep_job: str) -> Sequence[ScheduleDefinition]:
    """The daily update and the weekly housekeeping, by its job's name."""

    @schedule(
        name="every_day",
        job_name="daily_update",
        cron_schedule=DAILY_CRON,
        execution_timezone="UTC",
        description="The daily update, for the day that has just ended, and for days that an outage left out.",
    )
    def every_day(context: ScheduleEvaluationContext) -> RunRequest:
        assert context.repository_def is not None  # noqa: S101 (the daemon always gives it)
        graph = context.repository_def.asset_graph
        return for_the_days_until(settings, context.instance, graph, context.scheduled_execution_time)

    every_week = ScheduleDefinition(
        name="every_week", job_name=upkeep_job, cron_schedule=WEEKLY_CRON, execution_timezone="UTC"
    )
    return [every_day, every_week]


def for_the_days_until(settings: Settings, instance: DagsterInstance, graph: Graph, tick: datetime) -> RunRequest:
    """Yesterday, and the days before it that an outage left out, in one run; outside the company's calendar (the
    demo's year is long over), the day of the latest order.
    """
    yesterday = (tick.astimezone(UTC) - timedelta(days=1)).date()
    if not settings.first_day <= yesterday <= settings.last_day:
        return RunRequest()
    first, last = catch_up.missed(settings, instance, graph, yesterday)
    if first == last:
        return RunRequest(partition_key=last)
    return RunRequest(tags={ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last})
