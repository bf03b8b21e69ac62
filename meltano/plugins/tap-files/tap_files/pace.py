"""How far a stream is, on stderr: rows, rows a second, and by the bytes of its files the time left."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger("tap-files")
SECONDS = 10.0


class Pace:
    """Counts one stream's rows and bytes from now on."""

    def __init__(self, stream: str, total: int | None) -> None:
        """`total` bytes are to be read; None if nobody knows, as with packed files."""
        self._stream, self._total = stream, total
        self._rows = self._bytes = 0
        self._began = self._told = time.monotonic()

    def add(self, rows: int, size: int) -> None:
        """Count rows and the bytes they took, and log a line now and then."""
        self._rows += rows
        self._bytes += size
        now = time.monotonic()
        if now - self._told > SECONDS:
            self._told = now
            logger.info("%s", self.line(now - self._began))

    def line(self, seconds: float) -> str:
        """What is told after `seconds`."""
        told = f"{self._stream}: {self._rows:,} rows read, {self._rows / seconds:,.0f} rows/s"
        if not self._total or not self._bytes or self._bytes >= self._total:
            return told
        left = (self._total - self._bytes) * seconds / self._bytes
        return f"{told}, {self._bytes / self._total:.0%}, about {_duration(left)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
