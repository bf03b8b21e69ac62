"""How far a stream is, on stderr: rows, rows a second and, where the source can guess its size, the time left."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger("tap-sql")
SECONDS = 10.0


class Progress:
    """Counts one stream's rows from now on."""

    def __init__(self, stream: str, expected: int | None = None) -> None:
        """`expected` rows, about, are to come; None if nobody can say."""
        self.rows, self._stream, self._expected = 0, stream, expected
        self._began = self._told = time.monotonic()

    def add(self, rows: int) -> None:
        """Count rows, and log a line every few seconds."""
        self.rows += rows
        now = time.monotonic()
        if now - self._told > SECONDS:
            self._told = now
            logger.info("%s", self.line(now - self._began))

    def line(self, seconds: float) -> str:
        """What is told after `seconds`."""
        rate = self.rows / seconds
        told = f"{self._stream}: {self.rows:,} rows read, {rate:,.0f} rows/s"
        if not self._expected or self.rows >= self._expected:
            return told
        left = (self._expected - self.rows) / rate
        return f"{told}, {self.rows / self._expected:.0%}, about {_duration(left)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
