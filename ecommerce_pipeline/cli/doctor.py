"""`doctor`: what on this machine or in this lake is not as it must be, and what to do about each."""

from __future__ import annotations

import typer

from ecommerce_pipeline.cli import console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor() -> None:
    """Check the machine, the settings, the lake and the sources; says what to fix, exit code 3 if anything must be."""
    from rich.markup import escape

    from ecommerce_pipeline.operations import health

    marks = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "wrong": "[red]✗[/red]"}
    table = console.plain_table("", "what", "found", "next")
    worst = 0
    for finding in health.examine(console.settings()):
        table.add_row(marks[finding.state], finding.what, escape(finding.found), escape(finding.advice))
        worst = max(worst, console.UNFIT if finding.state == "wrong" else 0)
    console.print_table(table)
    raise typer.Exit(worst)
