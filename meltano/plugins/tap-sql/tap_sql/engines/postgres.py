"""PostgreSQL: exact, fast (binary COPY through ADBC), all streams of a run in one repeatable-read transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql
import pyarrow as pa

from ..errors import TapError, without_secret
from ..model import Bookmark, ChangeLog, Column, Reading, Selection, Table
from ..settings import Settings
from .postgres_advice import explain, in_utf8, with_timeout
from .postgres_catalog import read_tables, refuse_rewritten
from .postgres_log_partitions import read_files
from .postgres_plan import Planner
from .postgres_types import TEMPORAL

logger = logging.getLogger("tap-sql")
_CONTEXT = """
select pg_current_snapshot()::text as snapshot, (now() at time zone 'utc')::timestamp as clock,
  s.system_identifier::text || '/' || c.timeline_id::text || '/' || d.oid::text as cluster
from pg_control_system() s, pg_control_checkpoint() c, pg_database d where d.datname = current_database()
"""
_BEGIN = """
select case when not pg_is_in_recovery() then pg_current_wal_insert_lsn() - '0/0'::pg_lsn end::int8 as lsn,
  current_setting('server_encoding') as encoding
"""
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
            adbc_driver_postgresql.connect(in_utf8(with_timeout(url))) as database,
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
        self.partition_files = read_files(self._rows)  # before the end of the log is asked for
        # asked before the snapshot is taken: columns are never older than the changes up to there
        (begin,) = self._rows(_BEGIN)
        self._log_end: int | None = begin["lsn"]
        connection.set_autocommit(False)
        self._run("set transaction isolation level repeatable read, read only")
        if exported is not None:
            self._run(f"set transaction snapshot '{exported}'")
        for setting in _NOTATION:
            self._run(f"set local {setting}")
        if begin["encoding"] == "SQL_ASCII":  # any bytes at all; as UTF-8 the server would refuse whole tables for one
            self._run("set local client_encoding to 'SQL_ASCII'")
        (context,) = self._rows(_CONTEXT)
        self._cluster: str = context["cluster"]
        self._planner = Planner(settings, self._rows, context["snapshot"], self._cluster)
        self._clock: datetime = context["clock"]

    def tables(self) -> Sequence[Table]:
        """All tables and views of the configured schemas that the role may read."""
        return read_tables(self._rows, self._settings.schemas)

    def plan(self, selection: Selection, bookmark: Bookmark | None) -> Reading:
        """See `model.Session`; the extras are the snapshot, its origin and the ids seen beyond its horizon."""
        return self._planner.plan(selection, bookmark)

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Rows as binary COPY, decoded by the driver into batches of about 16 MB.

        Raises TapError behind the last one if a table had been rewritten by then.
        """
        yield from self._stream(sql)
        refuse_rewritten(self._rows)

    def _stream(self, sql: str) -> Iterator[pa.RecordBatch]:
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

        with PostgresLog(self._settings, self.query, self._log_end, self._cluster, self.partition_files) as log:
            yield log

    def query(self, sql: str) -> list[dict[str, Any]]:
        """A small query's rows; raises TapError."""
        return self._rows(sql)

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        return [row for batch in self._stream(sql) for row in batch.to_pylist()]

    def _run(self, sql: str) -> None:
        with adbc_driver_manager.AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            statement.execute_update()
