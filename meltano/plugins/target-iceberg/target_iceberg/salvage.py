"""Convert many rows at once, and find the few that do not fit only when that fails.

Halving costs nothing when every row is good, which is the rule, and a handful of conversions per bad row otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, Self, TypeVar

import msgspec
import pyarrow as pa

# What conversions raise for a value that does not fit; anything else is a defect and must surface.
MISFITS = (
    pa.ArrowInvalid,
    pa.ArrowTypeError,
    pa.ArrowNotImplementedError,
    msgspec.MsgspecError,
    ValueError,
    TypeError,
    ArithmeticError,
)


class Sliceable(Protocol):
    """Rows that can be counted and cut."""

    def __len__(self) -> int: ...

    def cut(self, start: int, stop: int) -> Self:
        """The rows from start to stop."""
        ...


Rows = TypeVar("Rows", bound=Sliceable)


def salvage(rows: Rows, convert: Callable[[Rows], pa.Table], reject: Callable[[Rows, str], None]) -> Iterator[pa.Table]:
    """The converted rows in their order, in as few tables as possible.

    Each row that cannot be converted goes to `reject` alone.
    """
    if not len(rows):
        return
    try:
        yield convert(rows)
    except MISFITS as error:
        if len(rows) == 1:
            reject(rows, str(error).split("\n", maxsplit=1)[0])
            return
        middle = len(rows) // 2
        yield from salvage(rows.cut(0, middle), convert, reject)
        yield from salvage(rows.cut(middle, len(rows)), convert, reject)
