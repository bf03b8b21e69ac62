"""Writing rows into PostgreSQL: COPY for a first load, COPY and upsert for the days after. `Loader` is what a step asks
of any server.

A first load of a database is one transaction, and so is each later step: readers and crashes see all of it or nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import polars as pl
import psycopg

from shopsphere import postgres
from shopsphere.tables import TABLES, Table

LOG = logging.getLogger(__name__)
CHUNK = 200_000
Connection = psycopg.Connection[Any]


class Loader(Protocol):
    """Takes frames in and writes them to one database within one transaction."""

    def put(self, address: str, rows: pl.DataFrame) -> None:
        """Adds the rows of a table, by key; without effect if the same rows were put before."""
        ...


class PostgresLoader:
    """Takes frames in and writes them to one database within one transaction; `fresh` means the tables were just
    made.
    """

    def __init__(self, db: Connection, *, fresh: bool) -> None:
        self.db, self.fresh = db, fresh

    def put(self, address: str, rows: pl.DataFrame) -> None:
        """Adds the rows of a table, by key; without effect if the same rows were put before."""
        table = TABLES[address]
        if not rows.is_empty():
            self._copy(table, rows) if self.fresh else self._upsert(table, rows)
        LOG.info("%s: %s rows", address, f"{rows.height:,}")

    def replace(self, address: str, rows: pl.DataFrame) -> None:
        """Makes the rows the whole table: rows that are not among them go."""
        if self.fresh:
            return self.put(address, rows)
        table = TABLES[address]
        staged = self._stage(table, rows)
        same = " AND ".join(f"s.{name} = t.{name}" for name in table.key)
        self.db.execute(f"DELETE FROM {table.address} t WHERE NOT EXISTS (SELECT FROM {staged} s WHERE {same})")  # noqa: S608
        self.db.execute(table.upsert_sql(staged))
        self.db.execute(f"DROP TABLE {staged}")

    def _upsert(self, table: Table, rows: pl.DataFrame) -> None:
        staged = self._stage(table, rows)
        self.db.execute(table.upsert_sql(staged))
        self.db.execute(f"DROP TABLE {staged}")

    def _stage(self, table: Table, rows: pl.DataFrame) -> str:
        staged = f"staged_{table.name}"
        self.db.execute(f"CREATE TEMP TABLE {staged} (LIKE {table.address}) ON COMMIT DROP")
        self._copy(table, rows, staged)
        return staged

    def _copy(self, table: Table, rows: pl.DataFrame, into: str | None = None) -> None:
        chosen = rows.select(list(table.columns))
        columns = ", ".join(table.columns)
        with (
            self.db.cursor() as cursor,
            cursor.copy(f"COPY {into or table.address} ({columns}) FROM STDIN (FORMAT csv)") as copy,
        ):
            for part in chosen.iter_slices(CHUNK):
                copy.write(part.write_csv(include_header=False).encode())


@contextmanager
def loading(connect: Callable[..., Connection], database: str, *, fresh: bool) -> Iterator[PostgresLoader]:
    """One transaction on a database, which `connect` opens as its owner; `fresh` drops and makes its schema first, and
    its keys last.
    """
    with connect() as db:
        if fresh:
            db.execute(f"DROP SCHEMA IF EXISTS {database} CASCADE")
            db.execute(f"CREATE SCHEMA {database}")
            _execute(db, (table.create_sql() for table in TABLES.values() if table.database == database))
        yield PostgresLoader(db, fresh=fresh)
        if fresh:
            _execute(
                db, (line for table in TABLES.values() if table.database == database for line in table.index_sql())
            )
            postgres.grant_reading(db, database)
    if fresh:  # later days are few rows: the server's own autovacuum sees to them
        with connect(autocommit=True) as db:
            db.execute("ANALYZE")


def _execute(db: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        db.execute(statement)  # type: ignore[call-overload]
