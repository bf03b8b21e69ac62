"""The company's tables in MariaDB: the authority on their types there and on how rows get in.

The types are MySQL's words for those of `tables`: datetime(6) for times in UTC, tinyint(1) for booleans, so that the
pipeline reads the same values as from PostgreSQL. Rows go in by LOAD DATA from a file of this machine, the only way
that is fast; it takes what does not fit with a warning where an INSERT would refuse, so a warning is an error here.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import polars as pl
import pymysql

from shopsphere.load import CHUNK, LOG
from shopsphere.state import CompanyError
from shopsphere.tables import TABLES, Table

TYPES = {"timestamp(6)": "datetime(6)", "boolean": "tinyint(1)"}
LOAD = (
    "LOAD DATA LOCAL INFILE %s INTO TABLE {into} CHARACTER SET utf8mb4 "
    "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' ({columns})"
)
logging.getLogger("pymysql").setLevel(logging.WARNING)


@dataclass(frozen=True)
class MariaLoader:
    """Writes frames within one transaction; `fresh` means the tables were just made."""

    db: pymysql.Connection[Any]
    fresh: bool

    def put(self, address: str, rows: pl.DataFrame) -> None:
        """Adds the rows of a table, by key; without effect if the same rows were put before."""
        table = TABLES[address]
        if not rows.is_empty():
            self._load(table, rows, table.address) if self.fresh else self._upsert(table, rows)
        LOG.info("%s: %s rows", address, f"{rows.height:,}")

    def _upsert(self, table: Table, rows: pl.DataFrame) -> None:
        staged = f"{table.database}.staged_{table.name}"
        _execute(self.db, f"CREATE TEMPORARY TABLE {staged} LIKE {table.address}")
        self._load(table, rows, staged)
        _execute(self.db, upsert_sql(table, staged))
        _execute(self.db, f"DROP TEMPORARY TABLE {staged}")

    def _load(self, table: Table, rows: pl.DataFrame, into: str) -> None:
        flags = [pl.col(name).cast(pl.Int8) for name, kind in rows.schema.items() if kind == pl.Boolean]
        chosen = rows.with_columns(flags).select(list(table.columns))
        with tempfile.TemporaryDirectory(prefix="shopsphere-load-") as folder:
            file = Path(folder) / f"{table.name}.csv"
            for part in chosen.iter_slices(CHUNK):
                _write(file, part)
                _execute(self.db, LOAD.format(into=into, columns=", ".join(table.columns)), str(file))
                if warnings := self.db.show_warnings():
                    raise CompanyError(
                        f"MariaDB did not take rows of {into} as they are: {warnings[0][-1]} "
                        f"({len(warnings)} warnings). Next: mend the type of that column in shopsphere/tables.py"
                    )


@contextmanager
def loading(address: str, database: str, *, fresh: bool) -> Iterator[MariaLoader]:
    """One transaction on a database of the server at `address`; `fresh` drops and makes its tables first, and the
    index on updated_at last. Raises CompanyError.
    """
    tables = [table for table in TABLES.values() if table.database == database]
    db = _connect(address)
    try:
        if fresh:  # MariaDB commits each definition by itself: until the rows do, readers see empty tables
            for table in tables:
                _execute(db, f"DROP TABLE IF EXISTS {table.address}")
                _execute(db, create_sql(table))
        db.begin()
        yield MariaLoader(db, fresh)
        db.commit()
        if fresh:
            for table in tables:
                _execute(db, f"CREATE INDEX updated_at ON {table.address} (updated_at)")
                _execute(db, f"ANALYZE TABLE {table.address}")
    except pymysql.MySQLError as error:
        raise CompanyError(
            f"MariaDB refused the rows of {database}: {error.args[-1]}. "
            "Next: `shopsphere stack logs mariadb`, mend that and run the same command again"
        ) from error
    finally:
        db.close()


def create_sql(table: Table) -> str:
    """CREATE TABLE with the primary key, by which InnoDB keeps the rows in order."""
    columns = ", ".join(f"{name} {_kind(kind)}" for name, kind in table.columns.items())
    return f"CREATE TABLE {table.address} ({columns}, PRIMARY KEY ({', '.join(table.key)})) ENGINE=InnoDB"


def upsert_sql(table: Table, staged: str) -> str:
    """Moves the rows of `staged` in; MariaDB leaves a row alone that is equal already."""
    moves = table.moves or tuple(name for name in table.columns if name not in table.key)
    columns = ", ".join(table.columns)
    changes = ", ".join(f"{name} = VALUES({name})" for name in moves)
    return f"INSERT INTO {table.address} ({columns}) SELECT {columns} FROM {staged} ON DUPLICATE KEY UPDATE {changes}"  # noqa: S608


def _kind(kind: str) -> str:
    for ours, theirs in TYPES.items():
        kind = kind.replace(ours, theirs)
    return kind


def _write(file: Path, rows: pl.DataFrame) -> None:
    """Text always in quotes, so that the bare word NULL can only be a null."""
    options: dict[str, Any] = {"quote_style": "non_numeric", "null_value": "NULL"}
    rows.write_csv(file, include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f", **options)


def _connect(address: str) -> pymysql.Connection[Any]:
    parts = urlsplit(address)
    place = {"host": parts.hostname, "port": parts.port or 3306, "user": parts.username}
    password = unquote(parts.password or "")
    try:
        return pymysql.connect(
            **place, password=password, database=parts.path.lstrip("/"), local_infile=True, connect_timeout=5
        )
    except pymysql.MySQLError as error:
        raise CompanyError(
            f"MariaDB at {parts.hostname}:{parts.port} does not let {parts.username} in ({error.args[-1]}). "
            "Next: `shopsphere stack status`, then `shopsphere stack logs mariadb`"
        ) from error


def _execute(db: pymysql.Connection[Any], sql: str, *values: str) -> None:
    with db.cursor() as cursor:
        cursor.execute(sql, values or None)
