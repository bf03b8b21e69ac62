"""The company's days: the daily partitions of the tables that keep one row set an as_of day.

They have an end, because otherwise Dagster shows every day since the data's last one as missing.
"""

from __future__ import annotations

from datetime import timedelta

from dagster import DailyPartitionsDefinition

from ecommerce_pipeline.settings import Settings


def daily(settings: Settings) -> DailyPartitionsDefinition:
    """One partition a business day, from the settings' first_day to last_day, both included."""
    return DailyPartitionsDefinition(
        start_date=settings.first_day.isoformat(),
        end_date=(settings.last_day + timedelta(days=1)).isoformat(),
        timezone=settings.business_timezone,
    )
