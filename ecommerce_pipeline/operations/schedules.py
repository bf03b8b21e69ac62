"""When things run by themselves: the day at three in the next morning, of the business day's zone, the housekeeping on
Sundays.

Schedules are off until somebody switches them on in the UI, so that a laptop with the demo on it does nothing at night.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dagster import DagsterInstance, RunRequest, ScheduleDefinition, ScheduleEvaluationContext, schedule
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from ecommerce_pipeline.operations import catch_up
from ecommerce_pipeline.operations.catch_up import Held
from ecommerce_pipeline.settings import Settings

DAILY_CRON = "0 3 * * *"
WEEKLY_CRON = "0 5 * * 0"


def schedules(settings: Settings, upkeep_job: str, held: Callable[[], Held]) -> Sequence[ScheduleDefinition]:
    """The daily update and the weekly housekeeping, by its job's name; `held` asks the lake which days it has."""

    @schedule(
        name="every_day",
        job_name="daily_update",
        cron_schedule=DAILY_CRON,
        execution_timezone=settings.business_timezone,
        description="The daily update, for the day that has just ended, and for days that an outage left out.",
    )
    def every_day(context: ScheduleEvaluationContext) -> RunRequest:
        try:
            days = held()
        except Exception as error:  # engines, stores and catalogs have each their own; the run will tell of it
            context.log.warning(f"which days are missing is not known, the next run makes them up: {error}")
            days = {}
        return for_the_days_until(settings, context.instance, days, context.scheduled_execution_time)

    every_week = ScheduleDefinition(
        name="every_week", job_name=upkeep_job, cron_schedule=WEEKLY_CRON, execution_timezone="UTC"
    )
    return [every_day, every_week]


def yesterday(settings: Settings, now: datetime) -> date | None:
    """The last business day that is over at `now` (with a zone); None outside the company's calendar."""
    day = now.astimezone(ZoneInfo(settings.business_timezone)).date() - timedelta(days=1)
    return day if settings.first_day <= day <= settings.last_day else None


def for_the_days_until(settings: Settings, instance: DagsterInstance, held: Held, tick: datetime) -> RunRequest:
    """Yesterday, and the days before it that an outage left out, in one run; outside the company's calendar (the
    demo's year is long over), the day of the latest order.
    """
    until = yesterday(settings, tick)
    if until is None:
        return RunRequest()
    first, last = catch_up.missed(settings, instance, held, until)
    if first == last:
        return RunRequest(partition_key=last)
    return RunRequest(tags={ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last})
