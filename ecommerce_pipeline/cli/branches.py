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
    from dataclasses import asdict

    from ecommerce_pipeline.lakehouse import branch

    found = [asdict(one) for one in branch.list_branches(console.settings())]
    table = console.plain_table(*(found[0] if found else ("name",)))
    for one in found:
        table.add_row(*(str(value) for value in one.values()))
    console.print_table(table)


@app.command()
def publish(name: Name) -> None:
    """Make all tables the branch changed the lake's own, in one transaction; refused if the lake moved on meanwhile."""
    from ecommerce_pipeline.lakehouse.publish import publish as publish_branch

    console.say(f"published {publish_branch(console.settings(), name)}")


@app.command()
def drop(name: Name) -> None:
    """Throw the branch away; the lake is untouched."""
    from ecommerce_pipeline.lakehouse import branch

    branch.drop(console.settings(), name)
    console.say(f"branch {name} is gone")
