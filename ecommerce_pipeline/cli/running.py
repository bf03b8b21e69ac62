"""`materialize` and `runs`: bring tables up to date, and see what was done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from ecommerce_pipeline.cli import alerts, console

if TYPE_CHECKING:
    from ecommerce_pipeline.settings import Settings

JOB = re.compile(r"\w+")  # a job is one word, and extracts and builds; assets have dots and signs
DAYS = re.compile(r"\d{4}-\d{2}-\d{2}(:\d{4}-\d{2}-\d{2})?")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(materialize)
    app.command()(runs)


def materialize(
    selection: Annotated[
        str,
        typer.Argument(
            help="a job (daily_update, full_refresh), or assets: finance.daily_revenue, +finance.*, group:ml"
        ),
    ] = "daily_update",
    partition: Annotated[
        str | None,
        typer.Option(
            "--partition", "--as-of", help="as_of day YYYY-MM-DD, or a range of days FIRST:LAST built in one run"
        ),
    ] = None,
    full_refresh: Annotated[bool, typer.Option(help="rebuild the selected models from the raw logs")] = False,
) -> None:
    """Run a job, or materialise a selection of assets, with what they read left as it is."""
    from ecommerce_pipeline.cli import progress
    from ecommerce_pipeline.operations.selection import UnknownSelectionError

    settings = console.settings()
    days = _days(partition)
    with progress.shown(console.console()) as shown:
        if JOB.fullmatch(selection):
            prepare()
        from ecommerce_pipeline import definitions
        from ecommerce_pipeline.operations import execution
        from ecommerce_pipeline.operations import selection as selections

        try:
            target = selections.resolve(definitions.defs, selection)
        except UnknownSelectionError as error:
            console.fail(str(error), console.MISUSED)
        try:
            outcome = execution.run(
                settings, definitions.defs, target, days, full_refresh=full_refresh, listener=shown.listen
            )
        except Exception:
            alerts.after_a_run(settings)
            raise
        alerts.after_a_run(settings)
        _show_on_dashboards(settings)
    progress.summarise(outcome)
    if not outcome.succeeded:
        raise typer.Exit(console.FAILED)


def prepare() -> None:
    """Let Meltano and dbt be imported aside, while this process imports Dagster."""
    from ecommerce_pipeline.ingestion import starter
    from ecommerce_pipeline.transformation import dbt

    starter.prepare()
    dbt.prepare()


def _show_on_dashboards(settings: Settings) -> None:
    """Dashboards, where there are any, read what was published."""
    from ecommerce_pipeline.dashboards import sensors
    from ecommerce_pipeline.transformation import project

    sensors.follow(settings, project.manifest(settings))


def runs(limit: Annotated[int, typer.Option(help="how many, the latest first")] = 20) -> None:
    """The latest runs: when, what, how long, how they ended."""
    from ecommerce_pipeline.operations import history, instance

    table = console.plain_table(
        "run", "job", "started (UTC)", "seconds", "status", "assets", right=("seconds", "assets")
    )
    with instance.open_instance(console.settings()) as opened:
        for run in history.latest(opened, limit):
            table.add_row(run.run_id[:8], run.job, run.started, run.seconds, run.status, str(run.assets))
    console.print_table(table)


def _days(text: str | None) -> execution.Days:  # type: ignore[name-defined]  # noqa: F821 (imported late: it is slow)
    from ecommerce_pipeline.operations.execution import Days

    if text is None:
        return Days()
    if not DAYS.fullmatch(text):
        console.fail(
            f"--partition {text}: not a day. Next: give it as YYYY-MM-DD, or a range as FIRST:LAST", console.MISUSED
        )
    first, _, last = text.partition(":")
    return Days(first, last or first)
