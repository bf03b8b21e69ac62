"""When things run by themselves: the day at three in the morning UTC, the housekeeping on Sundays.

Schedules are off until somebody switches them on in the UI, so that a laptop with the demo on it does nothing at night.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dagster import JobDefinition, RunRequest, ScheduleDefinition, ScheduleEvaluationContext, schedule

from ecommerce_pipeline.settings import Settings

DAILY_CRON = "0 3 * * *"
WEEKLY_CRON = "0 5 * * 0"


def schedules(settings: Settings, upkeep_job: JobDefinition) -> Sequence[ScheduleDefinition]:
    """The daily update and the weekly housekeeping."""

    @schedule(
        name="every_day",
        job_name="daily_update",
        cron_schedule=DAILY_CRON,
        execution_timezone="UTC",
        description="The daily update, for the day that has just ended.",
    )
    def every_day(context: ScheduleEvaluationContext) -> RunRequest:
        return _for_the_last_day(settings, context.scheduled_execution_time)

    every_week = ScheduleDefinition(
        name="every_week", job=upkeep_job, cron_schedule=WEEKLY_CRON, execution_timezone="UTC"
    )
    return [every_day, every_week]


def _for_the_last_day(settings: Settings, tick: datetime) -> RunRequest:
    """Yesterday's partition; outside the company's calendar (the demo's year is long over), the day of the latest
    order.
    """
    yesterday = (tick.astimezone(UTC) - timedelta(days=1)).date()
    if settings.first_day <= yesterday <= settings.last_day:
        return RunRequest(partition_key=yesterday.isoformat())
    return RunRequest()
