"""Rows on stdout, as a table for people, CSV or JSON for programs; decimals and times just as the lake holds them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from typing import IO, Any

import duckdb

from ecommerce_pipeline.cli import console
from ecommerce_pipeline.lakehouse.errors import QueryRefused

BATCH = 10_000


class NotAQueryError(Exception):
    """The statement would change something, or there is more than one."""


QUERY_ERRORS = (duckdb.Error, NotAQueryError, QueryRefused)


def check_reads_only(connection: Any, sql: str) -> None:
    """Raise NotAQueryError or QueryRefused unless `sql` is one statement that only reads."""
    if not isinstance(connection, duckdb.DuckDBPyConnection):
        from ecommerce_pipeline.lakehouse import trino_session

        return trino_session.check_reads_only(sql)
    statements = connection.extract_statements(sql)
    reading = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
    if len(statements) != 1:
        raise NotAQueryError(f"one statement at a time, here are {len(statements)}. Next: run them one by one")
    if statements[0].type not in reading:
        kind = str(statements[0].type).rsplit(".", 1)[-1]
        raise NotAQueryError(
            f"{kind} is refused: `shopsphere query` only reads. Next: change tables through a model in dbt/"
        )


def write(result: Any, format_: str, out: IO[str]) -> None:
    """Write all rows of a result, DuckDB's or Trino's."""
    names = [column[0] for column in result.description or ()]
    {"table": _as_table, "csv": _as_csv, "json": _as_json}[format_](names, result, out)


def _batches(result: Any) -> Iterator[Sequence[tuple[Any, ...]]]:
    while batch := result.fetchmany(BATCH):
        yield batch


def _as_table(names: Sequence[str], result: Any, _out: IO[str]) -> None:
    from rich.markup import escape

    table = console.plain_table(*names)
    for batch in _batches(result):
        for row in batch:
            table.add_row(*("[dim]null[/dim]" if value is None else escape(str(value)) for value in row))
    console.print_table(table)


def _as_csv(names: Sequence[str], result: Any, out: IO[str]) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for batch in _batches(result):
        writer.writerows(batch)


def _as_json(names: Sequence[str], result: Any, out: IO[str]) -> None:
    """One object a line; decimals as text, because JSON's numbers are not exact."""
    for batch in _batches(result):
        for row in batch:
            out.write(json.dumps(dict(zip(names, row, strict=True)), default=str, ensure_ascii=False) + "\n")
