"""What a case of the type tests says: one SQL type, what it becomes in the lake, and values with what is read back.

The guide docs/guides/types.md is drawn from these, so a case is a promise.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Case:
    """One type: SQL literals with the value they become, and those that are rejected with a part of the reason."""

    sql: str
    becomes: str
    values: Mapping[str, Any]
    rejected: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    setup: str = ""

    @property
    def literals(self) -> list[str]:
        """All literals, in the order they are inserted."""
        return [*self.values, *self.rejected]


def same(found: Any, expected: Any) -> bool:
    """Equal in type and value; NaN equals itself, and decimals must have the same digits."""
    if isinstance(expected, float) and isinstance(found, float):
        return math.isnan(found) if math.isnan(expected) else struct.pack("d", found) == struct.pack("d", expected)
    if isinstance(expected, Decimal):
        return isinstance(found, Decimal) and found.as_tuple() == expected.as_tuple()
    return type(found) is type(expected) and bool(found == expected)


def float32(value: float) -> float:
    """The 4-byte number nearest to the value, as Python shows it."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def utc(text: str) -> Any:
    """A point in time, UTC."""
    from datetime import UTC, datetime

    return datetime.fromisoformat(text).replace(tzinfo=UTC)
