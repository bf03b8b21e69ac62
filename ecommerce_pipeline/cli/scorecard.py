"""`scorecard`: ShopSphere's own goals, measured."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console

MARKS = {True: "✓", False: "✗", None: ""}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(scorecard)


def scorecard(
    cpu_hour: Annotated[float, typer.Option(min=0, help="USD for an hour of one CPU")] = 0.04,
    gb_month: Annotated[float, typer.Option(min=0, help="USD for a GB kept for a month")] = 0.023,
) -> None:
    """The company's goals and what was measured over the last 30 days: time, errors, availability, cost."""
    from ecommerce_pipeline.operations.scorecard import Prices
    from ecommerce_pipeline.operations.scorecard import scorecard as measured

    figures = measured(console.settings(), datetime.now(UTC), Prices(cpu_hour, gb_month))
    if not figures:
        console.say("No run was recorded yet. Next: `shopsphere materialize daily_update`")
        return
    table = console.plain_table("", "goal", "before", "wanted", "measured", "trend", "of what")
    for figure in figures:
        table.add_row(
            MARKS[figure.reached],
            figure.name,
            figure.before,
            figure.goal,
            figure.measured,
            figure.trend,
            figure.counted,
        )
    console.print_table(table)
