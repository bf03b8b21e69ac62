"""Rows of PostgreSQL's log → Arrow: the same values as a query gives, though the log has only each type's text.

Most columns are one cast away. Where SQL's cast to text says something else than the type's own text (arrays, inet,
char(n)), the server is asked to make of the text what it makes of the value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .errors import ChangesLostError
from .model import Column, Selection
from .pgoutput import UNCHANGED, Begin, Change, Row

INTEGERS, NUMERIC, TEXTS = (20, 21, 23), 1700, (19, 25, 1043)  # int8, int2, int4; name, text, varchar
Convert = Callable[[Column, pa.Array], pa.Array]
LOG_COLUMNS = (
    Column("_sdc_lsn", "pg_lsn", {"type": ["null", "integer"], "x-iceberg-type": "long"}, "", pa.int64()),
    Column("_sdc_op", "text", {"type": ["null", "string"], "x-iceberg-type": "string"}, "", pa.string()),
    Column(
        "_sdc_deleted_at",
        "timestamp",
        {"type": ["null", "string"], "format": "date-time", "x-iceberg-type": "timestamp"},
        "",
        pa.timestamp("us"),
    ),
)


def as_read_whole(raw: pa.Table, lsn: int) -> pa.Table:
    """Rows of a query that sees everything before `lsn`, with the columns that tell of the log."""
    values: dict[str, Any] = {"_sdc_lsn": lsn, "_sdc_op": "snapshot", "_sdc_deleted_at": None}
    for column in LOG_COLUMNS:
        scalar = pa.scalar(values[column.name], column.arrow)
        raw = raw.append_column(column.name, pa.repeat(scalar, raw.num_rows))
    return raw


def says_the_same(before: int, now: int) -> bool:
    """Whether a value's text under one type of PostgreSQL is its text under another; types by their numbers."""
    if before == now:
        return True
    if now == NUMERIC or now in INTEGERS:
        return before in INTEGERS
    return now in TEXTS and (before in TEXTS or before in INTEGERS or before == NUMERIC)


def bare_delete(keys: Sequence[str], row: pa.Table) -> pa.Table | None:
    """The deletion that one row of a log tells of, with its key alone; None if the row tells of none."""
    own = {column.name for column in LOG_COLUMNS}
    if not own.issubset(row.schema.names) or row["_sdc_op"][0].as_py() != "delete":
        return None
    kept = own.union(keys)
    arrays = [row[name] if name in kept else pa.nulls(1, row[name].type) for name in row.schema.names]
    return pa.table(arrays, names=row.schema.names)


class LogRows:
    """Changes of one table that wait to be sent, in their order."""

    def __init__(self, selection: Selection, position: int, convert: Convert) -> None:
        """Changes that were committed before `position` have been read by an earlier run and are left out."""
        self.selection, self._position, self._convert = selection, position, convert
        self._keys = [i for i, column in enumerate(selection.columns) if column.name in selection.table.keys]
        self._places: list[int | None] = []
        self._retyped: str | None = None
        self._clear()

    def __len__(self) -> int:
        return len(self._rows)

    def follow(self, names: Sequence[str], types: Sequence[int] = ()) -> None:
        """From now on rows have these columns, of types with these numbers if they are told.

        A column that the table has got since is NULL in them.
        """
        places = {name: place for place, name in enumerate(names)}
        self._places = [places.get(column.name) for column in self.selection.columns]
        typed = dict(zip(names, types, strict=False))
        columns = [c for c in self.selection.columns if not says_the_same(typed.get(c.name, c.type_id), c.type_id)]
        self._retyped = columns[0].name if columns else None

    def wants(self, transaction: Begin) -> bool:
        """Whether the transaction is later than the bookmark."""
        return transaction.lsn >= self._position

    def add(self, change: Change, transaction: Begin) -> None:
        """Take an insert, update or delete; a row that got another key is one deleted and one that came.

        Raises ChangesLostError if the row's text does not tell its values.
        """
        if self._retyped is not None:
            raise self._lost(f"a row was changed before {self._retyped} got another type, which the log's text is not")
        old = None if change.old is None else self._picked(change.old)
        if change.new is None:
            if old is not None:
                self._append(old, "delete", transaction, deleted=True)
            return
        new = self._picked(change.new)
        if UNCHANGED in new:
            new = self._completed(new, None if change.old_is_key else old)
        if old is not None and any(old[i] != new[i] for i in self._keys):
            self._append(old, "delete", transaction, deleted=True)
        self._append(new, "insert" if change.inserted else "update", transaction, deleted=False)

    def take(self) -> pa.Table:
        """The rows as a table of texts, and of values where a cast would not do; none are left."""
        columns = list(zip(*self._rows, strict=True))
        arrays = [_array(values, c, self._convert) for values, c in zip(columns, self.selection.columns, strict=True)]
        own = [
            pa.array(self._lsns, pa.int64()),
            pa.array(self._ops, pa.string()),
            pa.array(self._deleted, pa.int64()).cast(pa.timestamp("us")),
        ]
        names = [column.name for column in (*self.selection.columns, *LOG_COLUMNS)]
        self._clear()
        return pa.table([*arrays, *own], names=names)

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._ops: list[str] = []
        self._lsns: list[int] = []
        self._deleted: list[int | None] = []

    def _picked(self, row: Row) -> Row:
        return [None if place is None else row[place] for place in self._places]

    def _append(self, row: Row, op: str, transaction: Begin, *, deleted: bool) -> None:
        self._rows.append(row)
        self._ops.append(op)
        self._lsns.append(transaction.lsn)
        self._deleted.append(transaction.committed_at if deleted else None)

    def _completed(self, new: Row, old: Row | None) -> Row:
        """The row with its unchanged long values, which are in the log only if the old row is."""
        if old is not None:
            return [o if n is UNCHANGED else n for n, o in zip(new, old, strict=True)]
        table, column = self.selection.table, self.selection.columns[new.index(UNCHANGED)].name
        raise self._lost(
            f"a row was updated whose long value in {column} stayed as it was, and the log leaves such values out",
            f"alter table {table.schema}.{table.name} replica identity full, then ",
        )

    def _lost(self, why: str, first: str = "") -> ChangesLostError:
        return ChangesLostError(
            f"tap-sql: stream {self.selection.table.stream}: {why}. Nothing of this run is kept. Next: {first}run once "
            "with on_lost_changes=resnapshot"
        )


def _array(values: Sequence[Any], column: Column, convert: Convert) -> pa.Array:
    if pa.types.is_binary(column.arrow):
        return pa.array([None if v is None else bytes.fromhex(v[2:].decode()) for v in values], pa.binary())
    texts = pa.array(values, pa.binary()).cast(pa.string())
    if pa.types.is_boolean(column.arrow):
        return pc.equal(texts, "t")
    return texts if column.from_text is None else convert(column, texts)
