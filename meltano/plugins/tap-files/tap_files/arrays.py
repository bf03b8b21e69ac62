"""Whole columns as Arrow arrays, where that is cheaper than value by value.

pyarrow is imported when the first column is made: finding that no file is new must not wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import msgspec
    import pyarrow as pa

TIMES = ("timestamp", "timestamptz")
_SECONDS, _MICROSECONDS = len("2017-12-15T13:05:11"), len("2017-12-15T13:05:11.123456")
_YEAR_1 = -62_135_596_800_000_000


def json_texts(values: Sequence[msgspec.Raw]) -> pa.Array:
    """JSON as it stood on the line; JSON's null, or nothing, is NULL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pa.array(list(map(bytes, values)), pa.string())
    if not len(texts) or pc.min(pc.binary_length(texts)).as_py() > len("null"):
        return texts
    return pc.if_else(pc.is_in(texts, pa.array(["", "null"])), pa.scalar(None, pa.string()), texts)


def instants(values: Sequence[str | None], *, zoned: bool) -> pa.Array | None:
    """Times to the microsecond; None unless all are in ISO 8601 to the second or finer, all in UTC or all without zone.

    Arrow understands more than that, which is for a stricter parser to judge.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pa.array(values, pa.string())
    ends, utc = pc.min_max(pc.binary_length(texts)).as_py(), pc.ends_with(texts, "Z")
    if ends["min"] is None:
        return texts.cast(pa.timestamp("us", "UTC" if zoned else None))
    zone = int(pc.all(utc).as_py())
    if ends["min"] < _SECONDS + zone or ends["max"] > _MICROSECONDS + zone or (not zone and pc.any(utc).as_py()):
        return None
    try:
        moments = texts.cast(pa.timestamp("us", "UTC" if zone else None))
    except pa.ArrowInvalid:
        return None
    if pc.min(moments.cast(pa.int64())).as_py() < _YEAR_1:
        return None
    return moments.view(pa.timestamp("us", "UTC" if zoned else None))
