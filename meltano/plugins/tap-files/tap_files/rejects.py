"""A line that does not fit: the authority on how it is described, so that it can be found again and repaired."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

RAW_LIMIT = 1 << 20
"""Bytes of a line kept in its reject. Longer lines are shown by their beginning; the position leads to the rest."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A line, or what was left of it, and why it is no row."""

    line: int
    raw: bytes
    reason: str
    rule: str
    dimension: str = "validity"
    customer_id: int | None = None


@dataclass(frozen=True, slots=True)
class Describer:
    """Describes the rejects of one stream."""

    stream: str
    customer_column: str | None

    def record(self, file: str, reject: Reject) -> dict[str, Any]:
        """The record for a reject of `file` (a path relative to the tap's folder)."""
        return {
            "source_stream": self.stream,
            "position": f"{file}:{reject.line}",
            "reason": reject.reason,
            "raw_record": raw_text(reject.raw),
            "rule": reject.rule,
            "dimension": reject.dimension,
            "customer_id": self._customer(reject.raw) if reject.customer_id is None else reject.customer_id,
        }

    def _customer(self, raw: bytes) -> int | None:
        # A line that cannot be parsed can still be about a person, and must be found when that person is erased.
        if self.customer_column is None:
            return None
        pattern = rb'"' + re.escape(self.customer_column.encode()) + rb'"\s*:\s*"?(\d{1,18})(?!\d)'
        found = re.search(pattern, raw)
        return int(found[1]) if found else None


def raw_text(raw: bytes) -> str:
    r"""The line as text: UTF-8 where it is, each other byte as `\xNN`; never fails."""
    return raw[:RAW_LIMIT].decode("utf-8", "backslashreplace")
