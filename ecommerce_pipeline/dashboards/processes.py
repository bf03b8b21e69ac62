"""What the dashboard server consists of, in the words of whoever runs it.

Rooms do not import one another, so this is not the supervisor's own class; the command line makes one of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process to keep running; the fields are those of the supervisor's Program."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    directory: Path | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 30
    ready_seconds: float = 120.0
