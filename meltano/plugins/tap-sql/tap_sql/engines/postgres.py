"""PostgreSQL: exact, fast (binary COPY through ADBC), all streams of a run in one repeatable-read transaction.

An incremental bookmark is the highest replication key and the snapshot of the run that read it. The next run takes
what that snapshot did not see (see `snapshot`), within `overlap_seconds` behind the key so that the key's index
bounds the work. The bookmark also names where it was taken (system, timeline, database, table): elsewhere transaction
ids mean nothing, and everything is read again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql
import pyarrow as pa

from ..errors import TapError, shown_address, without_secret
from ..model import Bookmark, Column, Reading, Selection, Table
from ..settings import Settings
from ..snapshot import MAX_SEEN, Snapshot, full_id, newer_sql, unseen_sql
from .postgres_catalog import read_tables
from .postgres_types import TEMPORAL, quote

logger = logging.getLogger("tap-sql")
_CONTEXT = """
select pg_current_snapshot()::text as snapshot, (now() at time zone 'utc')::timestamp as clock,
  s.system_identifier::text || '/' || c.timeline_id::text || '/' || d.oid::text as cluster
from pg_control_system() s, pg_control_checkpoint() c, pg_database d where d.datname = current_database()
"""
# what a server or a role may have set otherwise, and what would then change the text of values
_NOTATION = ("timezone to 'UTC'", "datestyle to 'ISO'", "intervalstyle to 'postgres'", "bytea_output to 'hex'")


class Postgres:
    """A PostgreSQL server, version 13 or newer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @contextmanager
    def connect(self) -> Iterator[PostgresSession]:
        """Open one read-only transaction; raises TapError if the server cannot be reached or refuses."""
        url = self._settings.url
        try:
            with (
                adbc_driver_postgresql.connect(_with_timeout(url)) as database,
                adbc_driver_manager.AdbcConnection(database) as connection,
            ):
                yield PostgresSession(connection, self._settings)
        except adbc_driver_manager.Error as error:
            raise TapError(_explain(without_secret(str(error), url), url)) from None


class PostgresSession:
    """One snapshot of the server; satisfies `model.Session`."""

    def __init__(self, connection: adbc_driver_manager.AdbcConnection, settings: Settings) -> None:
        self._connection, self._settings = connection, settings
        connection.set_autocommit(False)
        self._run("set transaction isolation level repeatable read, read only")
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
        source = f"{quote(selection.table.schema)}.{quote(selection.table.name)}"
        columns = ", ".join(f"{column.expression} as {quote(column.name)}" for column in selection.columns)
        condition, why, seen = self._condition(selection, bookmark)
        extras: dict[str, Any] = {}
        if selection.replication_key and not selection.table.is_view:
            extras = {"snapshot": self._snapshot_text, "cluster": self._origin(selection.table)}
            extras |= self._seen(source, condition, seen)
        # names are quoted; values are rendered from numbers and points in time, never taken over as text
        return Reading(f"select {columns} from {source} where {condition}", why, extras)  # noqa: S608

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Rows as binary COPY, decoded by the driver into batches of about 16 MB."""
        statement = adbc_driver_manager.AdbcStatement(self._connection)
        try:
            statement.set_sql_query(sql)
            stream, _ = statement.execute_query()
            yield from pa.RecordBatchReader._import_from_c(stream.address)
        except (pa.ArrowException, OSError) as error:  # what a stream raises that breaks off
            raise TapError(_explain(without_secret(str(error), self._settings.url), self._settings.url)) from None
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

    def _condition(self, selection: Selection, bookmark: Bookmark | None) -> tuple[str, str, list[int]]:
        """What to read, why, and the ids the last run saw beyond its horizon."""
        key, table = selection.key_column, selection.table
        if key is None:
            return "true", "the whole table", []
        if not bookmark or bookmark.get("replication_key") != key.name or bookmark.get("replication_key_value") is None:
            return "true", "everything, there is no bookmark yet", []
        window = self._window(key, bookmark["replication_key_value"])
        if table.is_view:
            return window, "a view has no row versions: everything in the overlap comes again", []
        if bookmark.get("cluster") != self._origin(table):
            return "true", "everything, the bookmark was taken on another server, database or table", []
        previous = Snapshot.parse(str(bookmark.get("snapshot")))
        if not previous.holds(self._snapshot):
            return "true", "everything, the bookmark's snapshot does not hold here any more", []
        seen = [int(xid) for xid in bookmark.get("seen") or []]
        return f"{window} and {unseen_sql(previous, self._snapshot, seen)}", "rows new since the bookmark", seen

    def _window(self, key: Column, value: Any) -> str:
        """Rows not older than the overlap behind the bookmark.

        Keys that are no time have no overlap and are read by snapshot alone.
        """
        kind, name = key.schema["x-iceberg-type"], quote(key.name)
        if kind not in TEMPORAL:
            return "true"
        moment = datetime.fromisoformat(str(value)) if kind != "date" else date.fromisoformat(str(value))
        since = moment - timedelta(seconds=self._settings.overlap_seconds)
        condition = f"{name} > {kind} '{since.isoformat()}'"
        return f"({condition} or {name} is null)" if key.nullable else condition

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


def _with_timeout(url: str) -> str:
    return url if "connect_timeout=" in url else f"{url}{'&' if '?' in url else '?'}connect_timeout=10"


def _explain(message: str, url: str) -> str:
    """The driver's message with the next step."""
    reasons = {
        "password authentication failed": "check the user and password in url",
        "Connection refused": "start the server, or check host and port in url",
        "could not translate host name": "check the host in url",
        "timeout expired": "check host, port and firewall",
        "permission denied": "grant SELECT on the table and USAGE on its schema, or deselect the stream",
        "pg_current_snapshot": "use PostgreSQL 13 or newer",
    }
    step = next(
        (step for sign, step in reasons.items() if sign in message),
        "see the server's log; the run can be repeated safely",
    )
    text = " ".join(message.split())
    return f"tap-sql: PostgreSQL at {shown_address(url)}: {text}. Next: {step}"
