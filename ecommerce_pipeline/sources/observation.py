"""What one look at a source says, in whatever kind of system it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class SourceError(Exception):
    """The source could not be looked at; the message names it, the place and the next step."""


@dataclass(frozen=True)
class Observation:
    """`version` changes when the source did; `metadata` is for people."""

    version: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
