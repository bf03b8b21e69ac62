"""`history` and `rollback`: what a table held before, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console, days

Table = Annotated[str, typer.Argument(help="schema.table, such as finance.daily_revenue")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(history)
    app.command()(rollback)


def history(table: Table) -> None:
    """The snapshots of a table, the latest first: when, what kind of write, rows."""
    from ecommerce_pipeline.lakehouse import rollback as past

    shown = console.plain_table("snapshot", "committed (UTC)", "write", "rows", "", right=("rows",))
    for moment in past.history(console.settings(), table):
        rows = "" if moment.rows is None else f"{moment.rows:,}"
        when = f"{moment.committed_at:%Y-%m-%d %H:%M:%S}"
        shown.add_row(str(moment.snapshot_id), when, moment.operation, rows, "current" if moment.is_current else "")
    console.print_table(shown)


def rollback(
    table: Table,
    to: Annotated[str, typer.Option(help="a snapshot's id, or the time to go back to: 2017-12-15T06:00:00, UTC")],
) -> None:
    """Make an earlier snapshot of a model's table what everybody reads; nothing is deleted, so forward works too."""
    from ecommerce_pipeline.lakehouse import rollback as past

    settings = console.settings()
    moment = past.rollback(settings, table, _goal(to))
    console.say(
        f"{table} stands at snapshot {moment.snapshot_id} of {moment.committed_at:%Y-%m-%d %H:%M:%S} UTC. "
        f"What is built on it is as it was. Next: {days.to_build_again(settings, [table])}; "
        f"`shopsphere history {table}` shows the way forward"
    )


def _goal(text: str) -> int | datetime:
    if text.isdigit():
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        console.fail(f"--to {text}: neither a snapshot's id nor a time such as 2017-12-15T06:00:00", console.MISUSED)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
