"""MySQL and MariaDB, read with connectorx in batches of Arrow.

There are no row versions to compare, so an incremental run takes everything from `overlap_seconds` behind the
bookmark on (`overlap_keys` if the key is a number): rows committed late are found as long as they are not later than
that. Rows of the overlap come again; the stream's SCHEMA says so, and the target leaves out those that its table
holds. Each table is read by one query, hence consistently; two tables may differ by the moment between them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pymysql  # type: ignore[import-untyped]

from ..errors import TapError, shown_address, without_secret
from ..model import Bookmark, ChangeLog, Column, Overlap, Reading, Selection, Table
from ..overlap import behind
from ..settings import Settings
from .mysql_types import TEMPORAL, column, quote

os.environ.setdefault("RUST_LOG", "off")  # the driver's pool cries for each try; the error it ends with is ours to tell
_COLUMNS = """
select cast(c.table_schema as char) as schema_name, cast(c.table_name as char) as table_name,
  cast(t.table_type as char) as kind, cast(c.column_name as char) as column_name,
  cast(c.data_type as char) as type_name,
  cast(c.column_type as char) as shown, cast(c.is_nullable as char) as nullable,
  cast(coalesce(c.numeric_precision, 0) as signed) as digits, cast(coalesce(c.numeric_scale, 0) as signed) as scale,
  cast(coalesce(k.ordinal_position, 0) as signed) as key_position
from information_schema.columns c
join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
left join information_schema.key_column_usage k on k.table_schema = c.table_schema and k.table_name = c.table_name
  and k.column_name = c.column_name and k.constraint_name = 'PRIMARY'
where {schemas} order by c.table_schema, c.table_name, c.ordinal_position
"""
# every query has a connection of its own; timestamps are read, compared and shown in UTC whatever the server's zone
_BEGIN = ["set time_zone = '+00:00'"]
PORT = 3306
EVERYTHING = "true"
REFUSALS = (1044, 1045, 1049)  # no right on the database, wrong user or password, no such database
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")


class MySQL:
    """A MySQL or MariaDB server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @contextmanager
    def connect(self) -> Iterator[MySQLSession]:
        """A session; raises TapError if the server cannot be reached or refuses."""
        url = self._settings.url
        _refuse_if_refused(url)
        try:
            yield MySQLSession(self._settings)
        except RuntimeError as error:  # all that connectorx raises
            raise TapError(_explain(without_secret(" ".join(str(error).split()), url), url)) from None


class MySQLSession:
    """Satisfies `model.Session`; connections are opened by query."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = "mysql" + settings.url[settings.url.index("://") :]
        (clock,) = self._rows("select cast(utc_timestamp(6) as char) as clock")
        self._clock = datetime.fromisoformat(clock["clock"])

    def tables(self) -> Sequence[Table]:
        """All tables and views of the configured schemas that the user may read."""
        rows = self._rows(_COLUMNS.format(schemas=_schema_condition(self._settings.schemas)))
        flags = self._settings.tinyint1_is_boolean
        return [
            _table(list(group), flags) for _, group in groupby(rows, key=lambda r: (r["schema_name"], r["table_name"]))
        ]

    def plan(self, selection: Selection, bookmark: Bookmark | None) -> Reading:
        """See `model.Session`; there are no extras."""
        source = f"{quote(selection.table.schema)}.{quote(selection.table.name)}"
        columns = ", ".join(f"{column.expression} as {quote(column.name)}" for column in selection.columns)
        condition, why, overlap = self._condition(selection, bookmark)
        expected = self.guess(selection.table) if condition == EVERYTHING else None
        # names are quoted; values are rendered from numbers and points in time, never taken over as text
        return Reading(f"select {columns} from {source} where {condition}", why, overlap=overlap, expected=expected)  # noqa: S608

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Rows as they come, in batches."""
        import connectorx

        yield from connectorx.read_sql(
            self._url,
            sql,
            return_type="arrow_stream",
            batch_size=self._settings.batch_rows,
            protocol="binary",
            pre_execution_query=_BEGIN,
        )

    def clamp(self, highest: Any, column: Column) -> Any:
        """A key from the future must not hide the rows to come: the server's clock is the limit."""
        if column.schema["x-iceberg-type"] not in TEMPORAL:
            return highest
        limit = self._clock.date() if column.schema["x-iceberg-type"] == "date" else self._clock
        return min(highest, limit)

    def guess(self, table: Table) -> int | None:
        """See `model.Session`; InnoDB's estimate."""
        name, schema = (text.replace("\\", "\\\\").replace("'", "''") for text in (table.name, table.schema))
        where = f"table_schema = '{schema}' and table_name = '{name}'"
        rows = self._rows(f"select cast(table_rows as signed) as n from information_schema.tables where {where}")  # noqa: S608
        return rows[0]["n"] if rows else None

    def log(self) -> AbstractContextManager[ChangeLog]:
        """Not read: always raises TapError."""
        raise TapError(
            "tap-sql: replication-method LOG_BASED is for PostgreSQL; MySQL's binlog is not read. "
            "Next: set replication-method to INCREMENTAL or FULL_TABLE"
        )

    def _condition(self, selection: Selection, bookmark: Bookmark | None) -> tuple[str, str, Overlap | None]:
        """What to read, why, and what of it may have been read before."""
        key = selection.key_column
        if key is None:
            return EVERYTHING, "the whole table", None
        if not bookmark or bookmark.get("replication_key") != key.name:
            return EVERYTHING, "everything, there is no bookmark yet", None
        if bookmark.get("replication_key_value") is None:
            return EVERYTHING, f"everything, {key.name} was NULL in every row", Overlap(key.name, None)
        since = behind(key, bookmark["replication_key_value"], self._settings)
        name = quote(key.name)
        condition = f"{name} >= {since}" if isinstance(since, int) else f"{name} >= timestamp '{since}'"
        why = "rows since the bookmark less the overlap"
        return (f"({condition} or {name} is null)" if key.nullable else condition), why, Overlap(key.name, since)

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        import connectorx

        rows: list[dict[str, Any]] = connectorx.read_sql(self._url, sql, return_type="arrow").to_pylist()
        return rows


def _table(rows: list[dict[str, Any]], flags: bool) -> Table:
    keyed = sorted((row for row in rows if row["key_position"]), key=lambda row: row["key_position"])
    return Table(
        schema=rows[0]["schema_name"],
        name=rows[0]["table_name"],
        columns=tuple(column(row, tinyint1_is_boolean=flags) for row in rows),
        keys=tuple(row["column_name"] for row in keyed),
        is_view=rows[0]["kind"] != "BASE TABLE",
    )


def _schema_condition(schemas: Sequence[str]) -> str:
    names = ", ".join("'" + name.replace("'", "''") + "'" for name in (schemas or _SYSTEM))
    return f"c.table_schema {'in' if schemas else 'not in'} ({names})"


def _refuse_if_refused(url: str) -> None:
    """Ask once for a connection: the driver's pool would try for half a minute before it says why there is none.

    Only what is certain is an answer; the rest (TLS and its like, set in the address) is left to the driver.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or PORT
    try:
        socket.create_connection((host, port), timeout=10).close()
    except OSError as error:
        raise TapError(_explain(str(error), url)) from None
    if parts.query:
        return
    login = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    try:
        pymysql.connect(host=host, port=port, **login, database=unquote(parts.path.strip("/")) or None).close()
    except pymysql.err.OperationalError as error:
        if error.args[0] in REFUSALS:
            raise TapError(_explain(without_secret(str(error.args[-1]), url), url)) from None
    except (pymysql.err.Error, RuntimeError):  # a way of signing in that this client has not
        return


def _explain(message: str, url: str) -> str:
    reasons = {
        "Unknown database": "check the database in url",
        "Access denied": "check the user and password in url, and its SELECT privilege",
        "Connection refused": "start the server, or check host and port in url",
        "timed out": "check host, port and firewall",
    }
    step = next((s for sign, s in reasons.items() if sign in message), "see the server's log; the run can be repeated")
    return f"tap-sql: MySQL at {shown_address(url)}: {message}. Next: {step}"
