"""A large table's first reading of MySQL in parts, so that one that is cut off goes on where the last commit left it.

The parts are ranges of the primary key's first column, where it is a whole number: each is read by the index and
committed. MySQL shows no old state of a table, so what changes in a part after it was read is for the overlap to find:
a run that goes on reads it first. That holds for replication keys that are points in time, whose bookmark is never
later than the clock when a run began; of a number nobody can tell that, and its table is read by one query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from ..model import AFTER, Bookmark, Column, Selection, Table
from ..settings import Settings
from .mysql_types import TEMPORAL, quote

PART_BYTES = 200_000_000  # of the server's: connectorx reads a query to its end, into memory if the target is slow
Part = tuple[str, dict[str, Any]]
"""A condition, and what the bookmark of the rows it gives has to say."""


def divisor(selection: Selection) -> Column | None:
    """The column whose ranges are the parts; None if the table is read by one query."""
    key, table = selection.key_column, selection.table
    if key is None or key.schema["x-iceberg-type"] not in TEMPORAL or not table.keys:
        return None
    first = next(column for column in table.columns if column.name == table.keys[0])
    return first if pa.types.is_integer(first.arrow) else None


def reached(by: Column | None, bookmark: Bookmark | None) -> int | None:
    """Up to which value a first reading has come that was cut off; None if there is none that can go on."""
    after = (bookmark or {}).get(AFTER)
    if by is None or not isinstance(after, Mapping) or after.get("column") != by.name:
        return None
    return int(after["value"])


def part_count(rows: int | None, size: int | None, settings: Settings) -> int:
    """How many parts a table of about so many rows and bytes is read in."""
    return max(1, -(-(rows or 0) // settings.part_rows), -(-(size or 0) // PART_BYTES))


def parts(
    by: Column, table: Table, count: int, rows: Callable[[str], list[dict[str, Any]]], *, after: int | None = None
) -> list[Part]:
    """What is left behind `after` of the table in so many parts; the last one is open."""
    name, place = quote(by.name), f"{quote(table.schema)}.{quote(table.name)}"
    # names are quoted
    (ends,) = rows(f"select cast(min({name}) as signed) as low, cast(max({name}) as signed) as high from {place}")  # noqa: S608
    bounds: list[int] = []
    if ends["low"] is not None:
        step = max(1, -(-(ends["high"] - ends["low"] + 1) // count))
        bounds = [ends["low"] + step * number - 1 for number in range(1, count)]
    bounds = [bound for bound in bounds if bound < ends["high"] and (after is None or bound > after)]
    lows, highs = [after, *bounds], [*bounds, None]
    return [_part(by, low, high) for low, high in zip(lows, highs, strict=True)]


def done(by: Column, after: int) -> Part:
    """What has been read already."""
    return f"{quote(by.name)} <= {after}", _bookmark(by, after)


def _part(by: Column, low: int | None, high: int | None) -> Part:
    name = quote(by.name)
    limits = [] if low is None else [f"{name} > {low}"]
    limits += [] if high is None else [f"{name} <= {high}"]
    return " and ".join(limits) or "true", {} if high is None else _bookmark(by, high)


def _bookmark(by: Column, value: int) -> dict[str, Any]:
    return {AFTER: {"column": by.name, "value": value}}
