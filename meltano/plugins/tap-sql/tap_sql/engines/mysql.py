"""MySQL and MariaDB, read with connectorx in batches of Arrow.

There are no row versions to compare, so an incremental run takes everything from `overlap_seconds` behind the
bookmark on (`overlap_keys` if the key is a number): rows committed late are found as long as they are not later than
that. Rows of the overlap come again; the stream's SCHEMA says so, and the target leaves out those that its table
holds. Each table is read by one query, hence consistently; two tables may differ by the moment between them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

import pyarrow as pa

from ..errors import TapError, without_secret
from ..model import AFTER, Bookmark, ChangeLog, Column, Overlap, Reading, Selection, Table
from ..overlap import behind, everything_again
from ..settings import Settings
from .mysql_advice import explain, refuse_if_refused
from .mysql_parts import divisor, done, part_count, parts, reached
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
EVERYTHING = "true"
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")


class MySQL:
    """A MySQL or MariaDB server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @contextmanager
    def connect(self) -> Iterator[MySQLSession]:
        """A session; raises TapError if the server cannot be reached or refuses."""
        url = self._settings.url
        refuse_if_refused(url)
        try:
            yield MySQLSession(self._settings)
        except RuntimeError as error:  # all that connectorx raises
            raise TapError(explain(without_secret(" ".join(str(error).split()), url), url)) from None


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
        query = f"select {columns} from {source} where"  # noqa: S608 - names are quoted, values no text of the source's
        condition, why, overlap = self._condition(selection, bookmark)
        if condition == EVERYTHING or AFTER in (bookmark or {}):
            return self._first_reading(selection, bookmark, query, Reading(condition, why, overlap=overlap))
        return Reading(f"{query} {condition}", why, overlap=overlap)

    def _first_reading(self, selection: Selection, bookmark: Bookmark | None, query: str, reading: Reading) -> Reading:
        """Everything, in parts if it is much; `reading.sql` is what has changed of the parts that were read before."""
        by, (expected, size), cut_off = divisor(selection), self._size(selection.table), AFTER in (bookmark or {})
        after = reached(by, bookmark)
        if by is None or (cut_off and after is None):
            # what was read cannot be told from the rest any more: the target compares all of it with what it holds
            overlap = Overlap(str(selection.replication_key), None) if cut_off else reading.overlap
            return replace(reading, sql=f"{query} {EVERYTHING}", overlap=overlap, expected=expected)
        planned = parts(by, selection.table, part_count(expected, size, self._settings), self._rows, after=after)
        why = f"everything in {len(planned)} parts" if len(planned) > 1 else reading.why
        if after is not None:
            before, extras = done(by, after)
            planned = [(f"{before} and {reading.sql}", extras), *planned]
            why = f"on from {by.name} {after:,}: it was cut off"
        first, *then = [Reading(f"{query} {condition}", why, extras) for condition, extras in planned]
        return replace(first, overlap=reading.overlap, expected=expected, then=tuple(then))

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
        return self._size(table)[0]

    def _size(self, table: Table) -> tuple[int | None, int | None]:
        """Rows and bytes, about, as InnoDB has them; None for what is no table of its."""
        name, schema = (text.replace("\\", "\\\\").replace("'", "''") for text in (table.name, table.schema))
        columns = "cast(table_rows as signed) as n, cast(data_length as signed) as size"
        where = f"table_schema = '{schema}' and table_name = '{name}'"
        rows = self._rows(f"select {columns} from information_schema.tables where {where}")  # noqa: S608
        return (rows[0]["n"], rows[0]["size"]) if rows else (None, None)

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
            return EVERYTHING, "everything, there is no bookmark yet", everything_again(selection, bookmark)
        if bookmark.get("replication_key_value") is None:
            return EVERYTHING, f"everything, {key.name} was NULL in every row", Overlap(key.name, None)
        since = behind(key, bookmark["replication_key_value"], self._settings)
        name = quote(key.name)
        kind = key.schema["x-iceberg-type"]  # date or timestamp, which MySQL calls a literal too
        condition = f"{name} >= {since}" if isinstance(since, int) else f"{name} >= {kind} '{since}'"
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
