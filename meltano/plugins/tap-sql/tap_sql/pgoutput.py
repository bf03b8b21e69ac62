"""PostgreSQL's logical replication messages (protocol 1, output plugin pgoutput), decoded.

https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html. Values stay the bytes of their text;
what they mean is up to `log_values`. Eight kinds of message and one loop over the values of a row, which is where all
the time goes: hence tuples and no classes for values.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

EPOCH_MICROSECONDS: Final = 946_684_800_000_000  # 2000-01-01, from which PostgreSQL counts
_BEGIN, _RELATION, _TRUNCATE = struct.Struct(">QqI"), struct.Struct(">I"), struct.Struct(">IB")
_COLUMN = struct.Struct(">Ii")
TEXT, NULL, OLD, KEY, NEW = ord("t"), ord("n"), ord("O"), ord("K"), ord("N")


class _Unchanged:
    """A long value that was not changed and is therefore not in the log."""


UNCHANGED: Final = _Unchanged()
Value = bytes | None | _Unchanged
Row = list[Value]


class Begin(NamedTuple):
    """A transaction begins: the position of its commit record, and when it was committed (microseconds, UTC)."""

    lsn: int
    committed_at: int


class Commit(NamedTuple):
    """A transaction ends."""


class Relation(NamedTuple):
    """A table's columns, and the oids of their types, as they are for the changes to come."""

    oid: int
    name: str
    columns: tuple[str, ...]
    types: tuple[int, ...]


class Change(NamedTuple):
    """A row inserted, updated or deleted (no `new`); an update has `old` if the key changed or the table's replica
    identity is full. `old_is_key`: all but the key is missing in it.
    """

    relation: int
    old: Row | None
    new: Row | None
    old_is_key: bool
    inserted: bool


class Truncate(NamedTuple):
    """Tables emptied."""

    relations: tuple[int, ...]


Message = Begin | Commit | Relation | Change | Truncate


def lsn_text(position: int) -> str:
    """A position as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def lsn_number(text: str) -> int:
    """A position as PostgreSQL writes it → a number that compares; raises ValueError."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def decode(payload: bytes) -> Message | None:
    """The message, None for kinds that say nothing about rows (types, origins); raises ValueError for unknown ones."""
    kind = payload[:1]
    if kind in b"IUD":
        return _change(payload, kind)
    if kind == b"B":
        lsn, moment, _ = _BEGIN.unpack_from(payload, 1)
        return Begin(lsn, moment + EPOCH_MICROSECONDS)
    if kind == b"C":
        return Commit()
    if kind == b"R":
        return _relation(payload)
    if kind == b"T":
        count, _ = _TRUNCATE.unpack_from(payload, 1)
        return Truncate(struct.unpack_from(f">{count}I", payload, 6))
    if kind in b"YOM":
        return None
    raise ValueError(f"pgoutput sent a message of the unknown kind {kind!r}")


def _change(payload: bytes, kind: bytes) -> Change:
    relation, part, place = int.from_bytes(payload[1:5]), payload[5], 6
    old: Row | None = None
    if part != NEW:
        old, place = _row(payload, place)
        if kind == b"D":
            return Change(relation, old, None, part == KEY, False)
        place += 1  # the N before the new row
    new, _ = _row(payload, place)
    return Change(relation, old, new, part == KEY, kind == b"I")


def _row(payload: bytes, place: int) -> tuple[Row, int]:
    count = int.from_bytes(payload[place : place + 2])
    place += 2
    values: Row = []
    for _ in range(count):
        kind = payload[place]
        if kind == TEXT:
            start = place + 5
            place = start + int.from_bytes(payload[place + 1 : start])
            values.append(payload[start:place])
        else:
            values.append(None if kind == NULL else UNCHANGED)
            place += 1
    return values, place


def _relation(payload: bytes) -> Relation:
    (oid,) = _RELATION.unpack_from(payload, 1)
    schema, place = _text(payload, 5)
    name, place = _text(payload, place)
    count = int.from_bytes(payload[place + 1 : place + 3])
    place += 3
    columns, types = [], []
    for _ in range(count):
        column, place = _text(payload, place + 1)
        columns.append(column)
        types.append(_COLUMN.unpack_from(payload, place)[0])
        place += _COLUMN.size
    return Relation(oid, f"{schema}.{name}", tuple(columns), tuple(types))


def _text(payload: bytes, place: int) -> tuple[str, int]:
    end = payload.index(0, place)
    return payload[place:end].decode(), end + 1
