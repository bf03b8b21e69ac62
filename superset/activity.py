"""What Superset records of its users' doings: pages, changes and SQL Lab, not every chart of every page.

A record of each chart's data cost a fifth of the answer's time, because its commit makes Superset read its own objects
again; who opened which dashboard stays on record, and Trino knows who asked it what.
"""

from datetime import timedelta
from typing import Any

from superset.utils.log import DBEventLogger

CHART_DATA = "ChartDataRestApi."


class Activity(DBEventLogger):
    """Superset's own record, without the answers to charts."""

    def log_with_context(self, action: str, duration: timedelta | None = None, *args: Any, **more: Any) -> None:
        """Record `action` unless it is a chart's data."""
        if not action.startswith(CHART_DATA):
            super().log_with_context(action, duration, *args, **more)
