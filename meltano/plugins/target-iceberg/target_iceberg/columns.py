"""Values → exact Arrow columns.

A value that its column cannot hold exactly raises; nothing is rounded, cut or guessed.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

Values = Sequence[Any]


def python_type(kind: pa.DataType, *, json_text: bool) -> Any:
    """The type msgspec decodes a JSON value into on its way to `kind`."""
    if json_text:
        return msgspec.Raw
    if pa.types.is_decimal(kind):
        return Decimal | None
    if pa.types.is_integer(kind):
        return int | None
    if pa.types.is_boolean(kind):
        return bool | None
    if pa.types.is_floating(kind):
        return float | None
    return Any if pa.types.is_nested(kind) else str | None


def to_array(values: Values, kind: pa.DataType, *, json_text: bool = False) -> pa.Array:
    """One column; raises an Arrow error, ValueError or ArithmeticError if a value does not fit `kind` exactly."""
    if json_text:
        return _json_texts(values)
    if pa.types.is_timestamp(kind):
        return _timestamps(values, kind)
    if pa.types.is_date(kind):
        return pc.cast(pa.array(values, pa.string()), kind)
    if pa.types.is_time(kind):  # there is no cast from text to a time of day
        moments = pc.binary_join_element_wise("1970-01-01", pa.array(values, pa.string()), " ")
        return pc.cast(pc.cast(moments, pa.timestamp("us")), kind)
    if pa.types.is_nested(kind):
        values = [_nested(value, kind) for value in values]
    elif pa.types.is_binary(kind):
        values = [None if value is None else base64.b64decode(value, validate=True) for value in values]
    return pa.array(values, kind)


def exact_cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column of a batch file in its table's type.

    Times with a zone become UTC. Raises an Arrow error if a value would change.
    """
    if column.type == kind:
        return column
    if (
        pa.types.is_timestamp(kind)
        and kind.tz is not None
        and pa.types.is_timestamp(column.type)
        and column.type.tz is None
    ):
        return pc.assume_timezone(pc.cast(column, pa.timestamp("us")), "UTC")
    return pc.cast(column, kind, safe=True)


def _json_texts(values: Sequence[msgspec.Raw]) -> pa.Array:
    """JSON as it stood on the line; JSON's null, or nothing, is SQL's NULL."""
    texts = pa.array(list(map(bytes, values)), pa.binary()).cast(pa.string())
    return pc.if_else(pc.is_in(texts, pa.array(["", "null"])), pa.scalar(None, pa.string()), texts)


def _timestamps(values: Values, kind: pa.TimestampType) -> pa.Array:
    """ISO 8601 to microseconds: parsed in C++ when all have a zone or none has, one by one when they are mixed."""
    texts = pa.array(values, pa.string())
    utc = pa.timestamp("us", "UTC")
    try:
        return pc.cast(pc.cast(texts, utc), kind)
    except pa.ArrowInvalid:
        return pc.cast(pa.array([None if v is None else _instant(v) for v in values], utc), kind)


def _instant(text: str) -> datetime:
    """A point in time; without a zone it is UTC, digits beyond microseconds are not kept."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _nested(value: Any, kind: pa.DataType) -> Any:
    """A declared struct or list with its leaves as Python values that Arrow takes exactly."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {field.name: _nested(_member(value, field.name), field.type) for field in kind}
    if pa.types.is_list(kind):
        return [_nested(item, kind.value_type) for item in value]
    return _leaf_reader(kind)(value)


def _member(value: Any, name: str) -> Any:
    if not isinstance(value, dict):
        raise TypeError(f"an object is declared, {type(value).__name__} came")
    return value.get(name)


def _leaf_reader(kind: pa.DataType) -> Callable[[Any], Any]:
    if pa.types.is_decimal(kind):
        return lambda value: Decimal(str(value))
    if pa.types.is_timestamp(kind):
        return lambda value: _instant(value) if kind.tz else _instant(value).astimezone(UTC).replace(tzinfo=None)
    if pa.types.is_date(kind):
        return date.fromisoformat
    return lambda value: value
