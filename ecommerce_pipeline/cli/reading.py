"""`query` and `tables`: look into the lake without being able to change it."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    csv = "csv"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(query)
    app.command()(tables)


def query(
    sql: Annotated[str, typer.Argument(help="one SELECT; tables as schema.table")],
    format_: Annotated[Format, typer.Option("--format", "-f", help="how rows are written")] = Format.table,
    branch: Annotated[str, typer.Option(help="the catalog branch to read")] = "lake",
) -> None:
    """Ask the lake a question; nothing can be written."""
    settings = console.settings()
    from ecommerce_pipeline.cli import rows
    from ecommerce_pipeline.lakehouse import reader

    with reader.connect(settings, branch) as connection:
        try:
            rows.check_reads_only(connection, sql)
            result = connection.execute(sql)
        except rows.QUERY_ERRORS as error:
            console.fail(str(error), console.MISUSED)
        rows.write(result, format_.value, sys.stdout)


def tables(branch: Annotated[str, typer.Option(help="the catalog branch to list")] = "lake") -> None:
    """Every table with rows, files, bytes, snapshots and last commit."""
    settings = console.settings()
    from ecommerce_pipeline.lakehouse.tables import table_statuses

    columns = ("table", "rows", "files", "bytes", "snapshots", "last commit (UTC)")
    table = console.plain_table(*columns, right=("rows", "files", "bytes", "snapshots"))
    for status in table_statuses(settings, branch):
        table.add_row(
            f"{status.namespace}.{status.name}",
            f"{status.rows:,}",
            f"{status.files:,}",
            console.human_bytes(status.bytes),
            f"{status.snapshots:,}",
            f"{status.last_commit:%Y-%m-%d %H:%M:%S}" if status.last_commit else "",
        )
    console.print_table(table)
