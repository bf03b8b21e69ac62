"""Which type holds the values of two types exactly, if a table's column can become it without rewriting a file."""

from __future__ import annotations

import pyarrow as pa

MAX_DIGITS = 38
_INTEGER_DIGITS = {pa.int32(): 10, pa.int64(): 19}
_PROMOTIONS = ((pa.int32(), pa.int64()), (pa.float32(), pa.float64()))


def holding_both(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    """The type of a column that was `old` and gets values of `new`; None if there is none."""
    if old == new:
        return old
    for narrow, wide in _PROMOTIONS:
        if {old, new} == {narrow, wide}:
            return wide
    if old == pa.float64() and new == pa.int32():
        return old
    if pa.types.is_decimal(old):
        return _decimal(old, new)
    return None


def _decimal(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    """A decimal keeps its scale: more digits before the point can come, more behind it cannot."""
    if pa.types.is_decimal(new) and new.scale <= old.scale:
        before_point = new.precision - new.scale
    elif new in _INTEGER_DIGITS:
        before_point = _INTEGER_DIGITS[new]
    else:
        return None
    digits = max(old.precision - old.scale, before_point) + old.scale
    return pa.decimal128(digits, old.scale) if digits <= MAX_DIGITS else None
