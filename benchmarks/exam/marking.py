"""The marks: every fault of the ledger against what the pipeline said of it, every published row against the truth.

A fault is caught when the record stands under its right rule where that kind belongs. A published row is equal to the
truth, or unlike it and told (each field that differs was nulled, imputed, inferred or reported: somebody can know), or
unlike it in silence, which is an error. A row that is missing is held (in quarantine, rejected, waiting for its order
or still on its way) or lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from benchmarks.exam import truth
from benchmarks.exam.company import Examinee
from benchmarks.exam.expected import EXPECTED, NO_CHANGE, NOT_ARRIVED, Expected
from benchmarks.exam.said import Said, key_of, true_key, written_key
from shopsphere.ledger import Entry
from shopsphere.state import Places


@dataclass
class KindMark:
    """One kind of fault in one table: how many were made, caught, missed (keys), and not to be seen (why → number)."""

    source: str
    kind: str
    expected: Expected
    dimension: str = ""
    made: int = 0
    caught: int = 0
    missed: list[str] = field(default_factory=list)
    unseen: Counter[str] = field(default_factory=Counter)


@dataclass
class TableMark:
    """One published table against its truth, in rows; `silent` and `lost` hold keys."""

    name: str
    published: int = 0
    equal: int = 0
    told: int = 0
    held: int = 0
    silent: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass
class Marks:
    """The whole result; `touched` are clean records that were held back or altered, `dirt` the real data's own: table,
    rule and what became of it → records.
    """

    kinds: list[KindMark]
    tables: list[TableMark]
    touched: list[str]
    dirt: Counter[tuple[str, str, str]]

    @property
    def published(self) -> int:
        """Rows of the tables compared."""
        return sum(table.published for table in self.tables)

    @property
    def error_share(self) -> float:
        """Published rows that are unlike the truth in silence, and true ones that are lost."""
        return sum(len(table.silent) + len(table.lost) for table in self.tables) / max(self.published, 1)


def mark(student: Examinee, connection: Any, before: datetime) -> Marks:
    """The marks of the lake behind `connection`, the company standing at the moment `before` (naive UTC)."""
    entries = student.entries
    said, pending = Said(connection, entries), _pending(student)
    true = {table: truth.rows(table, student.copies, before) for table in truth.TABLES}
    tables = [_Comparison(table, said, pending, entries).of(rows, connection) for table, rows in true.items()]
    of_source = {table.source: rows for table, rows in true.items()}
    return Marks(_kinds(entries, said, pending), tables, *_beyond_the_ledger(said, entries, of_source))


def _pending(student: Examinee) -> set[str]:
    """Ids of the events of which a delivery is still on its way."""
    path = Places(student.home).pending
    return set(pl.read_parquet(path)["event_id"]) if path.exists() else set()


def _kinds(entries: Iterable[Entry], said: Said, pending: set[str]) -> list[KindMark]:
    marks: dict[tuple[str, str], KindMark] = {}
    for entry in entries:
        source, key = f"{entry.source}.{entry.table}", key_of(entry)
        one = marks.setdefault((source, entry.kind), KindMark(source, entry.kind, EXPECTED[entry.kind]))
        one.made += 1
        row = said.caught(source, key, one.expected)
        if row is not None:
            one.caught, one.dimension = one.caught + 1, row["dimension"]
        elif why := _unseen(entry, one.expected, is_pending=key in pending):
            one.unseen[why] += 1
        else:
            one.missed.append(key)
    return sorted(marks.values(), key=lambda one: (one.source, one.kind))


def _unseen(entry: Entry, expected: Expected, *, is_pending: bool) -> str:
    """Why nothing can be said of that fault; nothing when it could."""
    if not expected.place:
        return expected.why
    if is_pending:
        return NOT_ARRIVED
    return NO_CHANGE if entry.written and entry.written == entry.true else ""


@dataclass
class _Comparison:
    """A published table beside the truth."""

    table: truth.Table
    said: Said
    pending: set[str]
    entries: list[Entry]

    def of(self, true: pl.DataFrame, connection: Any) -> TableMark:
        found = connection.execute(f"select {', '.join(true.columns)} from {self.table.published}").pl()
        found = found.select(truth.as_text(pl.col(name), kind).alias(name) for name, kind in found.schema.items())
        right, seen = self._by_key(true), self._by_key(found)
        replaced = {true_key(entry): written_key(entry) for entry in self.entries if "product unknown" in entry.kind}
        told = set(replaced.values()) - right.keys()
        one = TableMark(self.table.published, published=found.height)
        for key, row in seen.items():
            differing = self._differing(row, right.get(key))
            if not differing and key in right:
                one.equal += 1
            elif self._is_told(key, differing) or key in told:
                one.told += 1
            else:
                one.silent.append(key)
        for key in right.keys() - seen.keys():
            if self._is_held(key):
                one.held += 1
            elif replaced.get(key) not in seen:
                one.lost.append(key)
        return one

    def _by_key(self, rows: pl.DataFrame) -> dict[str, tuple[str | None, ...]]:
        keys = rows.select(pl.concat_str(self.table.key, separator="-")).to_series()
        return dict(zip(keys, rows.select(list(self.table.columns)).iter_rows(), strict=True))

    def _differing(self, row: tuple[str | None, ...], right: tuple[str | None, ...] | None) -> set[str]:
        """The fields, by the source's names, in which a row is unlike the true one."""
        names = self.table.columns.values()
        return set() if right is None else {n for n, a, b in zip(names, row, right, strict=True) if a != b}

    def _is_told(self, key: str, differing: set[str]) -> bool:
        return bool(differing) and differing <= self.said.fields_told(self.table.source, key)

    def _is_held(self, key: str) -> bool:
        waits = bool(self.table.waits_for) and self.said.is_held(self.table.waits_for, key.partition("-")[0])
        late = self.table.source == "web.events" and key in self.pending
        return waits or late or self.said.is_held(self.table.source, key)


def _beyond_the_ledger(
    said: Said, entries: Iterable[Entry], true: dict[str, pl.DataFrame]
) -> tuple[list[str], Counter[tuple[str, str, str]]]:
    """Records outside the ledger of which something was said: clean ones, and the real data's own dirt."""
    broken = {(f"{entry.source}.{entry.table}", key) for entry in entries for key in (key_of(entry), true_key(entry))}
    written = {true_key(entry): written_key(entry) for entry in entries if entry.table == "order_items"}
    dirty = truth.real_dirt(true, written)
    touched, dirt = [], Counter[tuple[str, str, str]]()
    for (source, key), rows in said.of.items():
        for row in rows:
            if key in dirty.get((source, row["rule"]), ()):
                dirt[source, row["rule"], row["status"]] += 1
            elif (source, key) not in broken:
                touched.append(f"{source} {key} {row['rule']}")
    return touched, dirt
