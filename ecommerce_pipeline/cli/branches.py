"""`branch create|list|publish|drop`: private copies of the lake, made in milliseconds, published whole or dropped."""

from __future__ import annotations

from typing import Annotated

import typer

from ecommerce_pipeline.cli import console

app = typer.Typer(help="Private copies of the lake: create, list, publish, drop.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="lower-case letters, digits, underscores")]


@app.command()
def create(name: Name, base: Annotated[str, typer.Option(help="the branch to copy")] = "lake") -> None:
    """Copy the lake's pointers under a name; no file is copied."""
    from ecommerce_pipeline.lakehouse import branch

    branch.create(console.settings(), name, base)
    console.say(f"branch {name} stands. Next: in dbt/, `SHOPSPHERE_BRANCH={name} dbt build`")


@app.command("list")
def list_() -> None:
    """The branches with their age and what they changed."""
    from ecommerce_pipeline.lakehouse import branch

    table = console.plain_table("branch", "base", "made (UTC)", "tables changed", right=("tables changed",))
    for one in branch.list_branches(console.settings()):
        table.add_row(one.name, one.base, f"{one.created_at:%Y-%m-%d %H:%M:%S}", str(one.changes))
    console.print_table(table)


@app.command()
def publish(name: Name) -> None:
    """Make all tables the branch changed the lake's own, in one transaction; refused if the lake moved on meanwhile."""
    from ecommerce_pipeline.lakehouse.publish import publish as publish_branch

    for table in publish_branch(console.settings(), name).tables:
        console.say(f"{table.change:<8} {table.name}: {table.contents.rows:,} rows")


@app.command()
def drop(name: Name) -> None:
    """Throw the branch away; the lake is untouched."""
    from ecommerce_pipeline.lakehouse import branch

    branch.drop(console.settings(), name)
    console.say(f"branch {name} is gone")
