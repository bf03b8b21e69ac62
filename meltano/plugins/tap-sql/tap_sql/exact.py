"""Driver batches → exact Arrow columns, and the rows no exact column can hold.

The rule is one cast per column and nothing else. Only where a cast fails, or a time lies beyond the years 1 to 9999,
are rows looked at one by one; those that do not fit become rejects with their text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from .model import Column

Spare = Callable[[pa.Table], pa.Table | None]
_DAY_MICROSECONDS = 86_400_000_000
_YEARS = (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999))  # noqa: DTZ001 (bounds of zone-less values)


@dataclass(frozen=True)
class Misfit:
    """A row that cannot be carried over exactly."""

    values: Mapping[str, Any]
    reason: str

    def text(self) -> str:
        """The row as JSON."""
        return msgspec.json.encode(self.values, enc_hook=str).decode()


def exact(batch: pa.Table, columns: Sequence[Column], spare: Spare | None = None) -> tuple[pa.Table, list[Misfit]]:
    """The rows in the columns' types, and the rows that do not fit.

    Found by halving, so that good rows cost one cast. `spare` may give a row for one that does not fit, in its place.
    """
    try:
        return _cast(batch, columns), []
    except (pa.ArrowInvalid, ValueError) as error:
        if batch.num_rows == 1:
            if spare is not None and (other := spare(batch)) is not None:
                return exact(other, columns)
            return _cast(batch.slice(0, 0), columns), [_misfit(batch, str(error))]
        middle = batch.num_rows // 2
        first, misfits = exact(batch.slice(0, middle), columns, spare)
        second, more = exact(batch.slice(middle), columns, spare)
        return pa.concat_tables([first, second]), misfits + more


def _cast(batch: pa.Table, columns: Sequence[Column]) -> pa.Table:
    return pa.table([_column(batch[column.name], column) for column in columns], names=[c.name for c in columns])


def _column(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if isinstance(values.type, pa.BaseExtensionType):
        values = pa.chunked_array([chunk.storage for chunk in values.chunks], values.type.storage_type)
    try:
        if pa.types.is_boolean(column.arrow):
            _refuse_other_than_booleans(values)
        if pa.types.is_time(column.arrow) and pa.types.is_string(values.type):
            values = _as_moments(values)  # there is no cast from text to a time of day
        found = values if values.type == column.arrow else pc.cast(values, column.arrow)
        if pa.types.is_time(column.arrow):
            _refuse_end_of_day(found)
        if pa.types.is_string(column.arrow):
            _refuse_other_than_text(found)
    except ValueError as error:  # Arrow's own are ValueErrors
        raise ValueError(f"column {column.name} ({column.sql_type}): {error}") from error
    if pa.types.is_timestamp(column.arrow) or pa.types.is_date(column.arrow):
        _refuse_beyond_calendar(found, column)
    return found


def _refuse_other_than_text(values: pa.ChunkedArray) -> None:
    """Raise ValueError for bytes that are no UTF-8: a driver hands over what the source holds, unseen."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        raise ValueError("bytes that are no text in UTF-8") from None


def _as_moments(times: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts of times of day as points in time of one day; raises an Arrow error for 24:00 and the like."""
    return pc.cast(pc.binary_join_element_wise("1970-01-01", times, " "), pa.timestamp("us"))


def _refuse_other_than_booleans(values: pa.ChunkedArray) -> None:
    """Raise ValueError for a number that is neither 0 nor 1: as a boolean it would be true, which nobody wrote."""
    if not pa.types.is_integer(values.type):
        return
    bounds = pc.min_max(values).as_py()
    for number in bounds.values():
        if number not in (None, 0, 1):
            raise ValueError(f"{number} is no boolean; to read numbers, set tinyint1_is_boolean to false")


def _refuse_end_of_day(values: pa.ChunkedArray) -> None:
    """Raise ValueError for 24:00, which PostgreSQL tells from 00:00 and no time of the lake can."""
    latest = pc.max(values.cast(pa.int64())).as_py()
    if latest is not None and latest >= _DAY_MICROSECONDS:
        raise ValueError("24:00 is no time of day; store 00:00 or an interval")


def _refuse_beyond_calendar(values: pa.ChunkedArray, column: Column) -> None:
    """Raise ValueError for infinity and for years no date type downstream can show."""
    width = pa.int32() if pa.types.is_date(column.arrow) else pa.int64()
    bounds = pa.array(_YEARS, pa.timestamp("us")).cast(
        pa.date32() if pa.types.is_date(column.arrow) else pa.timestamp("us")
    )
    numbers = pc.min_max(values.cast(width)).as_py()
    low, high = bounds.cast(width).to_pylist()
    if numbers["min"] is not None and (numbers["min"] < low or numbers["max"] > high):
        raise ValueError(f"column {column.name} ({column.sql_type}): infinity or a year outside 1 to 9999")


def _misfit(row: pa.Table, reason: str) -> Misfit:
    values = {name: _shown(row[name]) for name in row.schema.names}
    return Misfit(values, reason.split("\n", maxsplit=1)[0])


def _shown(values: pa.ChunkedArray) -> Any:
    """A single value for a person: as it is, or as its text where Python has no such value."""
    try:
        return values[0].as_py()
    except UnicodeDecodeError:
        return values.cast(pa.binary())[0].as_py().decode(errors="backslashreplace")
    except (ValueError, OverflowError):
        return "beyond the years 1 to 9999"
