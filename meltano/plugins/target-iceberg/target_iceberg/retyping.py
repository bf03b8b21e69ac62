"""A column whose type changed beyond exact conversion: the run stops, or its values begin a column of their own.

The new column is called after the old one and the kind of its values: `total__text`, `total__decimal_4`. The old one
is NULL from then on. If the type changes back, its values go to the old column again. A key is never moved: its rows
would have none.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import pyarrow as pa

from .errors import IncompatibleTypeError
from .evolution import merged_type

logger = logging.getLogger("target-iceberg")
_KINDS = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "number"),
    (pa.types.is_string, "text"),
    (pa.types.is_binary, "binary"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time"),
    (pa.types.is_struct, "struct"),
    (pa.types.is_list, "list"),
)


def moved_columns(
    existing: pa.Schema, incoming: pa.Schema, keys: Collection[str], place: str, *, may_move: bool
) -> dict[str, str]:
    """Stream column → table column for those that cannot go where their name says.

    Raises IncompatibleTypeError for a key, and for any other unless they `may_move`.
    """
    moved: dict[str, str] = {}
    for field in incoming:
        position = existing.get_field_index(field.name)
        if position < 0:
            continue
        held = existing.field(position).type
        try:
            merged_type(held, field, place)
        except IncompatibleTypeError:
            if not may_move or field.name in keys:
                raise
            moved[field.name] = f"{field.name}__{kind(field.type)}"
            logger.warning(
                "%s: column %s was %s and is %s now: its values go to %s, %s is NULL from now on",
                place, field.name, held, field.type, moved[field.name], field.name,
            )  # fmt: skip
    return moved


def renamed(columns: pa.Schema, moved: dict[str, str]) -> pa.Schema:
    """The columns under the names they have in the table."""
    return pa.schema([field.with_name(moved.get(field.name, field.name)) for field in columns])


def kind(data_type: pa.DataType) -> str:
    """The word a new column's name ends in; it stays the same when the type widens."""
    if pa.types.is_decimal(data_type):
        return f"decimal_{data_type.scale}"
    if pa.types.is_timestamp(data_type):
        return "timestamp" if data_type.tz is None else "timestamptz"
    return next(word for is_kind, word in _KINDS if is_kind(data_type))
