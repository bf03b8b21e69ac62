"""PostgreSQL's log of changes, by logical decoding: satisfies `model.ChangeLog`.

A role with REPLICATION and SELECT is enough. Nothing is written to the database but the slot.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any, Self

import msgspec
import pyarrow as pa

from ..errors import ChangesLostError, TapError
from ..log_values import LogRows
from ..model import Changes, Column, Emptied, Selection
from ..pgoutput import Begin, Change, Relation, Truncate, lsn_number, lsn_text
from ..settings import Settings
from .postgres import PostgresSession, open_session
from .postgres_log_partitions import Files, Partitions
from .postgres_publication import check
from .postgres_slot import Query, Server, Slot, read_server, read_slot, refuse_lost, tell_lag, why_lost
from .postgres_stream import Connection, replication_connection

logger = logging.getLogger("tap-sql")
PAGE_BYTES, PAGE_HEADERS = 8192, (24, 40)


class PostgresLog:
    """The log up to `end`, as the slot of the settings keeps it."""

    def __init__(self, settings: Settings, query: Query, end: int | None, cluster: str, files: Files) -> None:
        """`end` is where the log stood when the run began, None on a standby; `files` what partitions there were."""
        if end is None:
            raise TapError("tap-sql: the server is a standby. Next: set url to its primary, or use INCREMENTAL")
        past = end % PAGE_BYTES  # the next record's place behind a page header: nothing is written up to there yet
        self.end = end - past if past in PAGE_HEADERS else end
        self._settings, self._query = settings, query
        system, _, database = cluster.split("/")
        self._database = f"{system}/{database}"
        self._open = ExitStack()
        self.unreadable: set[str] = set()
        self._connection: Connection | None = None
        self._floor = 0
        self._partitions = Partitions(query, files)
        self._server = Server("", 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()

    def begin(self, selections: Sequence[Selection], bookmarks: Mapping[str, Any]) -> Mapping[str, int]:
        """See `model.ChangeLog`."""
        self._server = read_server(self._query)
        check(self._query, self._settings.publication, selections)
        mine = {stream: b for stream, b in bookmarks.items() if isinstance(b, Mapping) and self._is_mine(b)}
        self._partitions.begun = mine
        slot = read_slot(self._query, self._settings.slot)
        lost = {
            stream: why
            for stream, b in mine.items()
            if (why := why_lost(slot, b, self._database, self.end)) is not None
        }
        chosen = {selection.table.stream for selection in selections}
        refuse_lost({stream: why for stream, why in lost.items() if stream in chosen}, mine, self._settings)
        if slot is None or slot.lost is not None:
            self._create(slot)
        held = {stream: lsn_number(b["lsn"]) for stream, b in mine.items() if stream not in lost}
        self._floor = min(held.values(), default=0)
        if slot is not None and slot.lost is None:
            holder = min(held, key=lambda stream: held[stream], default="")
            tell_lag(slot, self._server, self.end, holder, self._settings.slot_warning_bytes)
        return {
            s.table.stream: held[s.table.stream]
            for s in selections
            if s.table.stream in held and mine[s.table.stream].get("table") == s.table.identity
        }

    def changes(self, selections: Sequence[Selection], positions: Mapping[str, int]) -> Iterator[Changes]:
        """See `model.ChangeLog`."""
        waiting = {
            s.table.identity: LogRows(s, positions[s.table.stream], self._converted) for s in selections
        }  # tables are known by their oid, whatever they were called when they were changed
        connection = self._connection = self._open.enter_context(replication_connection(self._settings.url))
        connection.start(self._settings.slot, self._settings.publication, lsn_text(min(positions.values())))
        transaction, rows, size = Begin(0, 0), 0, 0
        for message, length in connection.messages(self.end):
            if type(message) is Change:
                table = waiting.get(message.relation)
                if table is not None and table.wants(transaction):
                    rows, size = rows + 1, size + length
                    try:
                        table.add(message, transaction)
                    except ChangesLostError as error:
                        yield from self._given_up(waiting.pop(message.relation), error)
            elif type(message) is Begin:
                transaction = message
            elif type(message) is Relation:
                if message.oid in waiting:
                    waiting[message.oid].follow(message.columns, message.types)
            elif type(message) is Truncate:
                for oid in message.relations:
                    if oid in waiting and waiting[oid].wants(transaction):
                        self._partitions.truncated.add(oid)
                        yield _emptied(waiting[oid], transaction)
            if rows >= self._settings.batch_rows or size >= self._settings.batch_bytes // 4:
                yield from _taken(waiting.values())
                rows = size = 0
        for table in [*waiting.values()]:
            yield from self._without_untold_partitions(table, waiting)
        yield from _taken(waiting.values())

    def moved(self, before: int) -> bool:
        """Whether a whole segment lies between: the server frees its log by segments."""
        return self.end // self._server.segment > before // self._server.segment

    def bookmark(self, selection: Selection, position: int) -> dict[str, Any]:
        """See `model.ChangeLog`; it names slot, database and table, since elsewhere the position means nothing."""
        return {
            "lsn": lsn_text(position),
            "slot": self._settings.slot,
            "database": self._database,
            "table": selection.table.identity,
            **self._partitions.bookmark(selection),
        }

    @contextmanager
    def whole(self) -> Iterator[tuple[PostgresSession, int]]:
        """See `model.ChangeLog`: a temporary slot exports a snapshot and says from where its log goes on."""
        with ExitStack() as temporary:
            connection = temporary.enter_context(replication_connection(self._settings.url))
            name = f"{self._settings.slot}_{os.getpid()}"
            command = f'CREATE_REPLICATION_SLOT "{name}" TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT'
            _, position, snapshot, _ = connection.row(command)
            with open_session(self._settings, snapshot) as session:
                temporary.close()  # the session holds its snapshot by itself now
                self._partitions = Partitions(self._query, session.partition_files)
                yield session, lsn_number(position)

    def release(self) -> None:
        """See `model.ChangeLog`."""
        if self._connection is not None:
            self._connection.forget_before(self._floor)

    def _without_untold_partitions(self, table: LogRows, waiting: dict[int, LogRows]) -> Iterator[Changes]:
        try:
            self._partitions.refuse_untold(table.selection)
        except ChangesLostError as error:
            yield from self._given_up(waiting.pop(table.selection.table.identity), error)

    def _given_up(self, table: LogRows, error: ChangesLostError) -> Iterator[Changes]:
        """The changes before the one that cannot be told; raises the error unless the stream may be read whole."""
        if self._settings.on_lost_changes == "stop":
            raise error
        logger.warning("%s", error)
        self.unreadable.add(table.selection.table.stream)
        yield from _taken([table])

    def _is_mine(self, bookmark: Mapping[str, Any]) -> bool:
        return bookmark.get("slot") == self._settings.slot and "lsn" in bookmark

    def _create(self, former: Slot | None) -> None:
        with replication_connection(self._settings.url) as connection:
            if former is not None:
                connection.row(f'DROP_REPLICATION_SLOT "{former.name}"')
            connection.row(f'CREATE_REPLICATION_SLOT "{self._settings.slot}" LOGICAL pgoutput NOEXPORT_SNAPSHOT')
        logger.info("slot %s: created", self._settings.slot)
        tell_lag(Slot(self._settings.slot, self.end, self.end), self._server, self.end, "", 0)

    def _converted(self, column: Column, texts: pa.Array) -> pa.Array:
        """What the server makes of the texts."""
        given = msgspec.json.encode(texts.to_pylist()).decode().replace("'", "''")
        values = f"json_array_elements_text('{given}'::json) with ordinality as t(v, n)"
        rows = self._query(f"select {column.from_text} as x from {values} order by n")  # noqa: S608 (quoted above)
        return pa.array([row["x"] for row in rows], pa.string())


def _taken(waiting: Any) -> Iterator[Changes]:
    for table in waiting:
        if len(table):
            yield Changes(table.selection, table.take())


def _emptied(table: LogRows, transaction: Begin) -> Changes:
    at = datetime(1970, 1, 1) + timedelta(microseconds=transaction.committed_at)  # noqa: DTZ001 (UTC without a zone)
    return Changes(table.selection, table.take() if len(table) else None, Emptied(transaction.lsn, at))
