"""`branch create|list|show|build|diff|check|publish|drop`: private copies of the lake, made in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from ecommerce_pipeline.settings import Settings

app = typer.Typer(help="Private copies of the lake: build there, compare, publish, drop.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="lower-case letters, digits, underscores")]
Rows = Annotated[bool, typer.Option("--rows", help="show a few rows that differ")]


@app.command()
def create(name: Name, base: Annotated[str, typer.Option(help="the branch to copy")] = "lake") -> None:
    """Copy the lake's pointers under a name; no file is copied."""
    from ecommerce_pipeline.lakehouse import by_hand

    by_hand.create(console.settings(), name, base)
    console.say(f"branch {name} stands. Next: `shopsphere branch build {name}` builds there what you have changed")


@app.command("list")
def list_() -> None:
    """The branches with their age, what they changed, and when upkeep drops them."""
    from ecommerce_pipeline.lakehouse import branch

    table = console.plain_table(
        "branch", "base", "made (UTC)", "kept until (UTC)", "tables changed", right=("tables changed",)
    )
    for one in branch.list_branches(console.settings()):
        until = one.kept_until
        table.add_row(
            one.name, one.base, f"{one.created_at:%Y-%m-%d %H:%M:%S}", f"{until:%Y-%m-%d %H:%M:%S}", str(one.changes)
        )
    console.print_table(table)


@app.command()
def show(name: Name) -> None:
    """The tables that the branch wrote, with their rows there and where it started."""
    from ecommerce_pipeline.cli import branch_tables

    branch_tables.written(console.settings(), name)


@app.command()
def build(
    name: Name,
    select: Annotated[
        list[str] | None,
        typer.Argument(help="dbt's selection (daily_revenue, +fct_orders+, finance.*); without: what you changed"),
    ] = None,
    incremental: Annotated[
        bool, typer.Option("--incremental", help="go on from production's rows instead of computing all anew")
    ] = False,
) -> None:
    """Build and test models of this checkout on the branch; nothing is published."""
    _build(console.settings(), name, select or [], incremental=incremental)


@app.command()
def diff(name: Name, rows: Rows = False) -> None:
    """What the branch changes: rows, columns and values that only one side has."""
    from ecommerce_pipeline.cli import branch_tables

    branch_tables.differences(console.settings(), name, rows=rows)


@app.command()
def check(
    name: Name,
    keep: Annotated[bool, typer.Option("--keep", help="leave the branch standing, to query it")] = False,
    rows: Rows = False,
) -> None:
    """For pull requests: a fresh branch, what was changed and what hangs on it built and tested there, and what that
    changes; exit code 1 if anything failed, and the branch is dropped.
    """
    from ecommerce_pipeline.cli import branch_tables
    from ecommerce_pipeline.lakehouse import by_hand
    from ecommerce_pipeline.transformation import development

    settings = console.settings()
    development.fresh(settings, name)
    try:
        _build(settings, name, [], incremental=False)
        branch_tables.differences(settings, name, rows=rows)
    finally:
        if not keep:
            by_hand.drop(settings, name)


@app.command()
def publish(name: Name) -> None:
    """Make all tables the branch changed the lake's own, in one transaction; refused if the lake moved on meanwhile,
    while somebody builds on the branch, and for production's own candidate.
    """
    from ecommerce_pipeline.lakehouse import by_hand

    for table in by_hand.publish(console.settings(), name).tables:
        console.say(f"{table.change:<8} {table.name}: {table.contents.rows:,} rows")


@app.command()
def drop(name: Name) -> None:
    """Throw the branch away; the lake is untouched. Refused while somebody builds on it."""
    from ecommerce_pipeline.lakehouse import by_hand

    by_hand.drop(console.settings(), name)
    console.say(f"branch {name} is gone")


def _build(settings: Settings, name: str, select: list[str], *, incremental: bool) -> None:
    """Build, and leave with exit code 1 if anything failed."""
    from rich.markup import escape

    from ecommerce_pipeline.transformation import development

    built = development.build(
        settings, name, select, incremental=incremental, say=lambda line: console.say(f"[dim]{escape(line)}[/dim]")
    )
    for failure in built.failed:
        console.say(f"[red]✗ {escape(failure.name)}: {escape(failure.reason)}[/red]")
    if built.failed:
        console.fail(
            f"{len(built.failed)} failed on branch {name}. Next: mend the models and build again", console.FAILED
        )
    tests = sum(1 for one in built.results if one.tests)
    console.say(
        f"{len(built.models)} models built, {tests} tests passed. Next: `shopsphere branch diff {name}`"
        if built.results
        else "nothing has changed since the last publication"
    )
