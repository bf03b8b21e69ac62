"""JSON lines to columns: the authority on which line is a row.

A line is a row when it is one JSON object in UTF-8 whose declared fields have their declared types; msgspec decides
both in one pass, exactly and at a million lines a second. Fields that are not declared are not kept. A nested value
declared `json` keeps the text that stood in the line, so that nothing is lost to a parser's idea of a number.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from tap_files.arrays import TIMES, instants, json_texts
from tap_files.declaration import Column, Declaration
from tap_files.rejects import Reject

_TYPES: dict[str, Any] = {
    "string": str,
    "int": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
    "long": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "double": float,
    "boolean": bool,
    "date": dt.date,
    "timestamp": dt.datetime,
    "timestamptz": dt.datetime,
    "decimal": Decimal,
}
_UNSET = msgspec.Raw()
_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])
Values = Sequence[Any]
"""A column: Python values, or an Arrow array where that is cheaper."""
Parsed = tuple[Sequence[Values], Sequence[int], list[Reject]]


class JsonLines:
    """The parser of one stream; keeps no state between blocks."""

    def __init__(self, declaration: Declaration) -> None:
        self._columns = declaration.columns
        self._names = {c.name for c in self._columns}
        self._fields = [f"f{index}" for index in range(len(self._columns))]
        self._decimals = [(c, f) for c, f in zip(self._columns, self._fields, strict=True) if c.kind == "decimal"]
        typed = _row_type(declaration, self._fields, _TYPES)
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(typed).decode
        self._decode_lines: Callable[[bytes], list[Any]] = msgspec.json.Decoder(typed).decode_lines
        # Times as they stand: Arrow reads a column of them at once, which takes a quarter of the time
        plain = _row_type(declaration, self._fields, _TYPES | dict.fromkeys(TIMES, str))
        self._decode_plain: Callable[[bytes], list[Any]] = msgspec.json.Decoder(plain).decode_lines
        self._times_are_plain = not self._decimals

    def undeclared(self, line: bytes) -> set[str]:
        """The fields of a line that no column takes; nothing when the line is no JSON object."""
        try:
            return set(_NAMES.decode(line)) - self._names
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
            return set()

    def parse(self, block: bytes, first: int, count: int) -> Parsed:
        """Of `count` lines: columns in declared order, the line number of each row, and the lines that are no rows."""
        try:
            # One check of the whole block: msgspec does not look inside the strings that it passes over.
            str(block, "utf-8")
            columns = self._plainly(block) if self._times_are_plain else None
            if columns is None and not self._decimals:
                columns = self._columnar(self._decode_lines(block))
                self._times_are_plain = False  # they are good times, in another notation than Arrow is asked for
            if columns is not None and len(columns[0]) == count:
                return columns, range(first, first + count), []
        except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
            pass  # some line is no row (or empty): find out which, one by one
        return self._one_by_one(block.split(b"\n"), first)

    def _plainly(self, block: bytes) -> list[Values] | None:
        """The columns with times read by Arrow; None if one is not in the usual notation."""
        columns = self._columnar(self._decode_plain(block))
        for index, column in enumerate(self._columns):
            if column.kind in TIMES:
                times = instants(columns[index], zoned=column.kind == "timestamptz")
                if times is None:
                    return None
                columns[index] = times
        return columns

    def _one_by_one(self, lines: Sequence[bytes], first: int) -> Parsed:
        rows, numbers, rejects = [], [], []
        for number, line in enumerate(lines, first):
            if not line.strip():
                continue
            row = self._row(line, number)
            if isinstance(row, Reject):
                rejects.append(row)
            else:
                rows.append(row)
                numbers.append(number)
        return self._columnar(rows), numbers, rejects

    def _row(self, line: bytes, number: int) -> Any:
        try:
            str(line, "utf-8")
            row = self._decode(line)
        except UnicodeDecodeError as error:
            return Reject(number, line, f"not UTF-8 at byte {error.start}", "encoding")
        except msgspec.ValidationError as error:
            return _misfit(line, number, str(error))
        except msgspec.DecodeError as error:
            return Reject(number, line, f"not a JSON object: {error}", "well_formed")
        except RecursionError:
            return Reject(number, line, "nested too deeply to be read", "well_formed")
        for column, field in self._decimals:
            value = getattr(row, field)
            if value is None:
                continue
            exact = exactly(value, column)
            if exact is None:
                return Reject(number, line, f"{column.name}: {value} does not fit {column.type}", "declared_type")
            setattr(row, field, exact)
        return row

    def _columnar(self, rows: list[Any]) -> list[Values]:
        columns: list[Values] = []
        for column, name in zip(self._columns, self._fields, strict=True):
            values = list(map(attrgetter(name), rows))
            columns.append(json_texts(values) if column.kind == "json" else values)
        return columns


def exactly(value: Decimal, column: Column) -> Decimal | None:
    """The decimal as the column keeps it, without needless zeros; None if it would be rounded or is no number."""
    if not value.is_finite():
        return None
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - for the type checker: only NaN and infinity have letters here
    if -column.scale <= exponent and len(digits) + exponent <= column.precision - column.scale:
        return value
    kept = bytes(digits).rstrip(b"\0")  # normalize() would round to 28 digits
    if not kept:
        return Decimal(0)
    exponent += len(digits) - len(kept)
    fits = -column.scale <= exponent and len(kept) + exponent <= column.precision - column.scale
    return Decimal((sign, tuple(kept), exponent)) if fits else None


def _row_type(declaration: Declaration, fields: Sequence[str], types: Mapping[str, Any]) -> type[msgspec.Struct]:
    columns = declaration.columns
    return msgspec.defstruct(
        "Row",
        [_field(c, f, types, c.name in declaration.key_properties) for c, f in zip(columns, fields, strict=True)],
        rename={f: c.name for c, f in zip(columns, fields, strict=True)},
        gc=False,
        kw_only=True,
    )


def _field(column: Column, name: str, types: Mapping[str, Any], key: bool) -> tuple[str, Any] | tuple[str, Any, Any]:
    if column.kind == "json":
        return (name, msgspec.Raw, _UNSET)
    return (name, types[column.kind]) if key else (name, types[column.kind] | None, None)


def _misfit(line: bytes, number: int, message: str) -> Reject:
    if missing := re.search(r"missing required field `(\w+)`|got `null` - at `\$\.(\w+)`", message):
        name = missing[1] or missing[2]
        return Reject(number, line, f"{name}: the key is missing", "key_present", "completeness")
    name, expected = _place(message)
    return Reject(number, line, f"{name}: {expected}" if name else expected, "declared_type")


def _place(message: str) -> tuple[str, str]:
    expected, _, place = message.partition(" - at `$.")
    return place.rstrip("`"), expected
