"""CSV to columns: the authority on which lines make a row.

A row that is not UTF-8 is read as Latin-1 (old exports mix both); a row with too few or too many cells, a cell that
does not fit its declared type, or a quote that is never closed makes rejects of exactly the lines concerned. An open
quote may take in at most `LONGEST_ROW` lines: without that limit one stray quote would swallow the rest of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tap_files.declaration import Declaration
from tap_files.errors import FilesError
from tap_files.jsonlines import Parsed
from tap_files.rejects import Reject
from tap_files.values import reader

LONGEST_ROW = 100
csv.field_size_limit(1 << 30)  # the length of lines is bounded where they are read
_UNFINISHED = "unexpected end of data"
Pending = list[tuple[int, bytes]]


class CsvRows:
    """The parser of one file; `header` must be given before `parse`, and `finish` called at the end."""

    def __init__(self, declaration: Declaration) -> None:
        self._declared = declaration.columns
        self._keys = [i for i, c in enumerate(self._declared) if c.name in declaration.key_properties]
        self._readers = {i: reader(c) for i, c in enumerate(self._declared) if c.kind != "string"}
        self._delimiter = declaration.delimiter
        self._width = 0
        self._order: list[int] = []
        self._customer_column = declaration.customer_column
        self._customer: int | None = None
        self._pending: Pending = []

    def header(self, line: bytes, file: str) -> set[str]:
        """Learn the order of the columns from the header; returns the columns that are not declared.

        Raises FilesError when a declared column is missing or stands twice: every row would be wrong, so better none is
        read.
        """
        names = [name.strip() for name in next(csv.reader([_text(line)], delimiter=self._delimiter), [])]
        missing = [column.name for column in self._declared if column.name not in names]
        if missing:
            raise FilesError(
                f"{file}: the header has no column {', '.join(missing)} (it has {', '.join(names) or 'nothing'}). "
                "Next: repair the file, or correct the stream's columns in meltano.yml"
            )
        twice = [column.name for column in self._declared if names.count(column.name) > 1]
        if twice:
            raise FilesError(
                f"{file}: the header has more than one column {', '.join(twice)}, and nothing says which one is meant. "
                "Next: repair the file, or leave the column out of the stream's columns in meltano.yml"
            )
        self._width = len(names)
        self._customer = names.index(self._customer_column) if self._customer_column else None
        self._order = [names.index(column.name) for column in self._declared]
        return set(names) - {column.name for column in self._declared}

    def parse(self, lines: Sequence[bytes], first: int) -> Parsed:
        """Columns (in declared order), the first line of each row, and the lines that are no rows."""
        columns = None if self._pending else self._at_once(lines)
        if columns is not None:
            return columns, list(range(first, first + len(lines))), []
        rows: list[list[Any]] = []
        numbers: list[int] = []
        rejects: list[Reject] = []
        for number, line in enumerate(lines, first):
            self._pending.append((number, line))
            self._take(rows, numbers, rejects, at_end=False)
        return self._columnar(rows), numbers, rejects

    def _at_once(self, lines: Sequence[bytes]) -> list[list[Any]] | None:
        """The columns of lines that are a good row each, which is the rule; None when one of them is not."""
        try:
            texts = b"\n".join(lines).decode().split("\n")
            rows = list(csv.reader(texts, delimiter=self._delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        if len(rows) != len(lines) or any(len(row) != self._width for row in rows):
            return None
        cells = list(zip(*rows, strict=True))
        columns: list[list[Any]] = [[cell or None for cell in cells[index]] for index in self._order]
        if any(None in columns[index] for index in self._keys):
            return None
        try:
            for index, read in self._readers.items():
                columns[index] = [None if cell is None else read(cell) for cell in columns[index]]
        except ValueError:
            return None
        return columns

    def finish(self) -> Parsed:
        """What an open quote was still holding when the file ended."""
        rows: list[list[Any]] = []
        numbers: list[int] = []
        rejects: list[Reject] = []
        while self._pending:
            self._take(rows, numbers, rejects, at_end=True)
        return self._columnar(rows), numbers, rejects

    def held_at(self, last: int) -> tuple[int, int]:
        """How many lines up to `last` an open quote holds, and their bytes; none if lines are missing among them."""
        if not self._pending or last - self._pending[0][0] + 1 != len(self._pending):
            return 0, 0
        return len(self._pending), sum(len(line) + 1 for _, line in self._pending)

    def _take(self, rows: list[list[Any]], numbers: list[int], rejects: list[Reject], at_end: bool) -> None:
        number, line = self._pending[0]
        raw = line if len(self._pending) == 1 else b"\n".join(part for _, part in self._pending)
        outcome = self._cells(raw, number)
        if outcome is None:
            if at_end or len(self._pending) >= LONGEST_ROW:
                rejects.append(Reject(number, line, "a quote is opened and never closed", "well_formed"))
                self._again(rows, numbers, rejects)
            return
        self._pending.clear()
        if isinstance(outcome, Reject):
            rejects.append(outcome)
        elif outcome:
            rows.append(outcome)
            numbers.append(number)

    def _again(self, rows: list[list[Any]], numbers: list[int], rejects: list[Reject]) -> None:
        """Read the lines after a rejected one anew: they were held only because of its quote."""
        rest, self._pending = self._pending[1:], []
        for entry in rest:
            self._pending.append(entry)
            self._take(rows, numbers, rejects, at_end=False)

    def _cells(self, raw: bytes, number: int) -> list[Any] | Reject | None:
        """The row's values; a Reject; nothing for an empty line; None while a quote is open."""
        text = _text(raw)
        if not text:
            return []
        try:
            cells = next(csv.reader([text], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            return None if str(error) == _UNFINISHED else Reject(number, raw, f"not CSV: {error}", "well_formed")
        if len(cells) != self._width:
            reason = f"{len(cells)} columns where the header has {self._width}"
            return Reject(number, raw, reason, "column_count", "completeness", self._about(cells))
        outcome = self._typed([cells[index] or None for index in self._order], raw, number)
        return replace(outcome, customer_id=self._about(cells)) if isinstance(outcome, Reject) else outcome

    def _about(self, cells: list[str]) -> int | None:
        """Whom the row is about, as far as its cells say so."""
        cell = cells[self._customer] if self._customer is not None and self._customer < len(cells) else ""
        return int(cell) if cell.isascii() and cell.isdigit() and len(cell) <= 18 else None

    def _typed(self, values: list[Any], raw: bytes, number: int) -> list[Any] | Reject:
        for index, read in self._readers.items():
            if values[index] is None:
                continue
            try:
                values[index] = read(values[index])
            except ValueError as error:
                reason = f"{self._declared[index].name}: {values[index]!r} is {error}"
                return Reject(number, raw, reason, "declared_type")
        for index in self._keys:
            if values[index] is None:
                return Reject(
                    number, raw, f"{self._declared[index].name}: the key is missing", "key_present", "completeness"
                )
        return values

    def _columnar(self, rows: list[list[Any]]) -> list[list[Any]]:
        return [list(values) for values in zip(*rows, strict=True)] if rows else [[] for _ in self._declared]


def _text(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    return text.removesuffix("\r")
