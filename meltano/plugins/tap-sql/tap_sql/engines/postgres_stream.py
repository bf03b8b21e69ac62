"""The replication connection, on libpq itself as psycopg wraps it.

psycopg 3 has no replication client. psycopg2 has one, but it confirms positions on its own account (the server's, when
nothing was sent yet), and what is confirmed the server may throw away. Here nothing is confirmed but what
`forget_before` is told.
"""

from __future__ import annotations

import select
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from ..errors import TapError, without_secret
from ..pgoutput import EPOCH_MICROSECONDS, Begin, Commit, Message, decode
from .postgres_advice import explain, with_timeout

# values as text must not hang on what a server or a role has set; a tap that waits for its target is not dead
_OPTIONS = {
    "datestyle": "ISO",
    "timezone": "UTC",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "wal_sender_timeout": "900000",
}
BUSY_SECONDS: Final = 15.0
WAIT_SECONDS: Final = 0.05
_DATA, _KEEPALIVE, _HEADER_BYTES = ord("w"), ord("k"), 25
_STATUS = struct.Struct(">cQQQqB")


class Connection:
    """One connection that speaks the replication protocol; raises TapError for all that the server refuses."""

    def __init__(self, url: str) -> None:
        self._url = url
        options = " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items())
        told = make_conninfo(with_timeout(url), replication="database", options=options, client_encoding="UTF8")
        self._libpq = pq.PGconn.connect(told.encode())
        self._reached = 0
        if self._libpq.status != pq.ConnStatus.OK:
            raise self._error()

    def close(self) -> None:
        """End it; a temporary slot ends with it."""
        self._libpq.finish()

    def row(self, command: str) -> list[str]:
        """Run a command; the values of the one row it gives, none if it gives none."""
        result = self._libpq.exec_(command.encode())
        if result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            raise self._error()
        return [
            (result.get_value(0, column) or b"").decode() for column in range(result.nfields if result.ntuples else 0)
        ]

    def start(self, slot: str, publication: str, position: str) -> None:
        """Have the slot's log sent from the position on; waits a little for a killed run to let go of the slot."""
        name = publication.replace('"', '""').replace("'", "''")
        command = (
            f"START_REPLICATION SLOT \"{slot}\" LOGICAL {position} (proto_version '1', publication_names '\"{name}\"')"
        )
        deadline = time.monotonic() + BUSY_SECONDS
        while self._libpq.exec_(command.encode()).status != pq.ExecStatus.COPY_BOTH:
            if "is active for PID" not in self._libpq.get_error_message() or time.monotonic() > deadline:
                raise self._error()
            time.sleep(0.2)

    def messages(self, end: int) -> Iterator[tuple[Message, int]]:
        """The messages of all transactions whose commit record stands before `end`, each with its size in bytes."""
        inside = False
        while inside or self._reached < end:
            payload = self._next()
            if payload is None:
                self._wait()
                continue
            if not payload or (message := decode(payload)) is None:
                continue
            if type(message) is Begin:
                if message.lsn >= end:
                    return
                inside = True
            elif type(message) is Commit:
                inside = False
            yield message, len(payload)

    def forget_before(self, position: int) -> None:
        """Tell the server that nobody will ask again for what was committed before the position."""
        self._tell(position, reply=False)

    def _next(self) -> bytes | None:
        """The next message's bytes; empty for a keepalive, None if nothing has come."""
        try:
            length, data = self._libpq.get_copy_data(1)
        except psycopg.Error as error:
            raise self._error(str(error)) from None
        if length == 0:
            return None
        if length < 0:
            raise self._error("the server ended the replication")
        if data[0] == _DATA:
            return bytes(data[_HEADER_BYTES:])
        if data[0] == _KEEPALIVE:  # everything before this position has been sent, in front of this message
            self._reached = max(self._reached, int.from_bytes(data[1:9]))
            if data[17]:  # the server wants to know whether anybody is there
                self._tell(0, reply=False)
        return b""

    def _wait(self) -> None:
        """Wait for more; if nothing comes, ask the server how far it has read."""
        if not select.select([self._libpq.socket], [], [], WAIT_SECONDS)[0]:
            self._tell(0, reply=True)
            select.select([self._libpq.socket], [], [], WAIT_SECONDS)
        try:
            self._libpq.consume_input()
        except psycopg.Error as error:
            raise self._error(str(error)) from None

    def _tell(self, position: int, *, reply: bool) -> None:
        """A standby's status: `position` as written, flushed and applied; 0 confirms nothing."""
        now = time.time_ns() // 1000 - EPOCH_MICROSECONDS
        try:
            self._libpq.put_copy_data(_STATUS.pack(b"r", position, position, position, now, reply))
            self._libpq.flush()
        except psycopg.Error as error:
            raise self._error(str(error)) from None

    def _error(self, text: str = "") -> TapError:
        said = self._libpq.get_error_message() or text
        return TapError(explain(without_secret(said, self._url), self._url))


@contextmanager
def replication_connection(url: str) -> Iterator[Connection]:
    """Open and close a connection; raises TapError."""
    connection = Connection(url)
    try:
        yield connection
    finally:
        connection.close()
