"""PostgreSQL: exact, fast (binary COPY through ADBC), all streams of a run in one repeatable-read transaction.

An incremental bookmark is the highest replication key and the snapshot of the run that read it. The next run takes
what that snapshot did not see (see `snapshot`), within `overlap_seconds` behind the key so that the key's index
bounds the work. The bookmark also names where it was taken (system, timeline, database, table): elsewhere transaction
ids mean nothing, and everything is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql
import pyarrow as pa

from ..errors import TapError, without_secret
from ..model import AFTER, Bookmark, ChangeLog, Column, Overlap, Reading, Selection, Table
from ..overlap import behind
from ..settings import Settings
from ..snapshot import MAX_SEEN, Snapshot, full_id, newer_sql, unseen_sql
from .postgres_advice import explain, with_timeout
from .postgres_catalog import read_tables
from .postgres_parts import EVERYTHING, Begun, Extent, PageRange, read_extent
from .postgres_types import TEMPORAL, quote

logger = logging.getLogger("tap-sql")
_CONTEXT = """
select pg_current_snapshot()::text as snapshot, (now() at time zone 'utc')::timestamp as clock,
  s.system_identifier::text || '/' || c.timeline_id::text || '/' || d.oid::text as cluster
from pg_control_system() s, pg_control_checkpoint() c, pg_database d where d.datname = current_database()
"""
_LOG_END = "select case when not pg_is_in_recovery() then pg_current_wal_insert_lsn() - '0/0'::pg_lsn end::int8 as lsn"
# what a server or a role may have set otherwise, and what would then change the text of values
_NOTATION = ("timezone to 'UTC'", "datestyle to 'ISO'", "intervalstyle to 'postgres'", "bytea_output to 'hex'")


class Postgres:
    """A PostgreSQL server, version 13 or newer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def connect(self) -> AbstractContextManager[PostgresSession]:
        """Open one read-only transaction; raises TapError if the server cannot be reached or refuses."""
        return open_session(self._settings)


@contextmanager
def open_session(settings: Settings, exported: str | None = None) -> Iterator[PostgresSession]:
    """A read-only transaction that sees the `exported` snapshot, or the present one; raises TapError."""
    url = settings.url
    try:
        with (
            adbc_driver_postgresql.connect(with_timeout(url)) as database,
            adbc_driver_manager.AdbcConnection(database) as connection,
        ):
            yield PostgresSession(connection, settings, exported)
    except adbc_driver_manager.Error as error:
        raise TapError(explain(without_secret(str(error), url), url)) from None


class PostgresSession:
    """One snapshot of the server; satisfies `model.Session`."""

    def __init__(
        self, connection: adbc_driver_manager.AdbcConnection, settings: Settings, exported: str | None = None
    ) -> None:
        """`exported` names the snapshot to see; without it, the present one."""
        self._connection, self._settings = connection, settings
        # asked before the snapshot is taken: columns are never older than the changes up to there
        (self._log_end,) = self._rows(_LOG_END)
        connection.set_autocommit(False)
        self._run("set transaction isolation level repeatable read, read only")
        if exported is not None:
            self._run(f"set transaction snapshot '{exported}'")
        for setting in _NOTATION:
            self._run(f"set local {setting}")
        (context,) = self._rows(_CONTEXT)
        self._snapshot_text: str = context["snapshot"]
        self._snapshot = Snapshot.parse(context["snapshot"])
        self._cluster: str = context["cluster"]
        self._clock: datetime = context["clock"]

    def tables(self) -> Sequence[Table]:
        """All tables and views of the configured schemas that the role may read."""
        return read_tables(self._rows, self._settings.schemas)

    def plan(self, selection: Selection, bookmark: Bookmark | None) -> Reading:
        """See `model.Session`; the extras are the snapshot, its origin and the ids seen beyond its horizon."""
        condition, why, seen = self._condition(selection, bookmark)
        if condition != EVERYTHING or selection.table.is_view:
            return self._reading(selection, condition, why, seen, overlap=self._overlap(selection, bookmark))
        extent = read_extent(self._rows, selection.table)
        begun = self._begun(selection, bookmark, extent)
        ranges = extent.ranges(self._settings.part_rows, begun.page if begun else 0)
        if selection.replication_key is None or (begun is None and len(ranges) == 1):
            return self._reading(selection, EVERYTHING, why, seen, expected=extent.rows)
        return self._parts(selection, extent, begun, ranges)

    def _parts(self, selection: Selection, extent: Extent, begun: Begun | None, ranges: list[PageRange]) -> Reading:
        """A first reading in parts, each of which says in its bookmark up to which page the table has been read."""
        readings, seen = [], begun.seen if begun else []
        if begun is not None:  # what has been read already, as it is now
            condition = f"{PageRange(0, begun.page).sql} and {unseen_sql(begun.snapshot, self._snapshot, seen)}"
            readings.append(self._reading(selection, condition, "", seen, more=extent.bookmark(begun.page)))
        for part in ranges:
            more = {} if part.end is None else extent.bookmark(part.end)
            seen = readings[-1].extras.get("seen", []) if readings else []
            readings.append(self._reading(selection, part.sql, "", seen, more=more))
        first, *then = readings
        done = begun.page / extent.pages if begun and extent.pages else 0.0
        expected = None if extent.rows is None else round(extent.rows * (1 - done))
        why = f"everything in {len(ranges)} parts" if begun is None else f"on from page {begun.page:,}: it was cut off"
        return replace(first, why=why, expected=expected, then=tuple(then))

    def _reading(
        self,
        selection: Selection,
        condition: str,
        why: str,
        seen: list[int],
        *,
        overlap: Overlap | None = None,
        expected: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Reading:
        source = f"{quote(selection.table.schema)}.{quote(selection.table.name)}"
        columns = ", ".join(f"{column.expression} as {quote(column.name)}" for column in selection.columns)
        extras: dict[str, Any] = {}
        if selection.replication_key and not selection.table.is_view:
            extras = {"snapshot": self._snapshot_text, "cluster": self._origin(selection.table), **(more or {})}
            extras |= self._seen(source, condition, seen)
        # names are quoted; values are rendered from numbers and points in time, never taken over as text
        sql = f"select {columns} from {source} where {condition}"  # noqa: S608
        return Reading(sql, why, extras, overlap, expected)

    def _begun(self, selection: Selection, bookmark: Bookmark | None, extent: Extent) -> Begun | None:
        """A first reading that was cut off and can go on: the table and its rows' places are still the same."""
        if not bookmark or bookmark.get("replication_key") != selection.replication_key:
            return None
        if bookmark.get("cluster") != self._origin(selection.table):
            return None
        begun = extent.begun(bookmark)
        return begun if begun is not None and begun.snapshot.holds(self._snapshot) else None

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Rows as binary COPY, decoded by the driver into batches of about 16 MB."""
        statement = adbc_driver_manager.AdbcStatement(self._connection)
        try:
            statement.set_sql_query(sql)
            stream, _ = statement.execute_query()
            yield from pa.RecordBatchReader._import_from_c(stream.address)
        except (pa.ArrowException, OSError) as error:  # what a stream raises that breaks off
            raise TapError(explain(without_secret(str(error), self._settings.url), self._settings.url)) from None
        finally:
            statement.close()

    def clamp(self, highest: Any, column: Column) -> Any:
        """A key from the future (a typing error, a wrong clock) must not hide the rows to come:

        the server's clock is the limit.
        """
        kind = column.schema["x-iceberg-type"]
        if kind not in TEMPORAL:
            return highest
        limit = {"date": self._clock.date(), "timestamp": self._clock, "timestamptz": self._clock.replace(tzinfo=UTC)}[
            kind
        ]
        if highest > limit:
            logger.warning(
                "%s is %s, later than the server's clock: the bookmark stays at %s", column.name, highest, limit
            )
        return min(highest, limit)

    def guess(self, table: Table) -> int | None:
        """See `model.Session`; of a partitioned table only what `analyze` has found."""
        sql = f"select nullif(reltuples, -1)::int8 as n from pg_class where oid = {table.identity}"  # noqa: S608
        return next((row["n"] for row in self._rows(sql)), None)

    @contextmanager
    def log(self) -> Iterator[ChangeLog]:
        """The log up to where it stood when the session began; raises TapError."""
        from .postgres_log import PostgresLog

        with PostgresLog(self._settings, self.query, self._log_end["lsn"], self._cluster) as log:
            yield log

    def query(self, sql: str) -> list[dict[str, Any]]:
        """A small query's rows; raises TapError."""
        return self._rows(sql)

    def _condition(self, selection: Selection, bookmark: Bookmark | None) -> tuple[str, str, list[int]]:
        """What to read, why, and the ids the last run saw beyond its horizon."""
        key, table = selection.key_column, selection.table
        if key is None:
            return EVERYTHING, "the whole table", []
        if not bookmark or bookmark.get("replication_key") != key.name:
            return EVERYTHING, "everything, there is no bookmark yet", []
        window = self._window(key, bookmark, is_view=table.is_view)
        if table.is_view:
            return window, "a view has no row versions: everything in the overlap again", []
        previous = Snapshot.parse(str(bookmark.get("snapshot") or "0:0:"))
        if (unusable := self._why_unusable(table, bookmark, previous)) is not None:
            return EVERYTHING, f"everything, {unusable}", []
        seen = [int(xid) for xid in bookmark.get("seen") or []]
        return f"{window} and {unseen_sql(previous, self._snapshot, seen)}", "rows new since the bookmark", seen

    def _why_unusable(self, table: Table, bookmark: Bookmark, previous: Snapshot) -> str | None:
        if bookmark.get("cluster") != self._origin(table):
            return "the bookmark was taken on another server, database or table"
        if not previous.holds(self._snapshot):
            return "the bookmark's snapshot does not hold here any more"
        if AFTER in bookmark:
            return "the table was rewritten since its first reading was cut off"
        return None

    def _window(self, key: Column, bookmark: Bookmark, *, is_view: bool) -> str:
        """Rows not older than the overlap behind the bookmark.

        Keys of tables that are no time have no overlap and are read by snapshot alone.
        """
        kind, name, value = key.schema["x-iceberg-type"], quote(key.name), bookmark.get("replication_key_value")
        if value is None or (kind not in TEMPORAL and not is_view):
            return "true"
        since = behind(key, value, self._settings)
        condition = f"{name} >= {since}" if isinstance(since, int) else f"{name} >= {kind} '{since}'"
        return f"({condition} or {name} is null)" if key.nullable else condition

    def _overlap(self, selection: Selection, bookmark: Bookmark | None) -> Overlap | None:
        """What of a view is read again."""
        key = selection.key_column
        if not selection.table.is_view or key is None or not bookmark or bookmark.get("replication_key") != key.name:
            return None
        value = bookmark.get("replication_key_value")
        return Overlap(key.name, None if value is None else behind(key, value, self._settings))

    def _seen(self, source: str, condition: str, before: list[int]) -> dict[str, Any]:
        """Transactions beyond the snapshot's horizon whose rows are being read, or were: they must not come again."""
        if self._snapshot.quiet:
            return {}
        newer = newer_sql(self._snapshot.xmin, self._snapshot.xmax)
        sql = f"select distinct xmin::text::bigint as x from {source} where {condition} and {newer}"  # noqa: S608
        found = {full_id(row["x"], self._snapshot.xmax) for row in self._rows(f"{sql} limit {MAX_SEEN + 1}")}
        seen = sorted(found | {xid for xid in before if xid >= self._snapshot.xmin})
        if len(seen) > MAX_SEEN:
            logger.warning("%s: a transaction has been open for long; rows since then will come once more", source)
            return {}
        return {"seen": seen} if seen else {}

    def _origin(self, table: Table) -> str:
        return f"{self._cluster}/{table.identity}"

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        return [row for batch in self.read(sql) for row in batch.to_pylist()]

    def _run(self, sql: str) -> None:
        with adbc_driver_manager.AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            statement.execute_update()
