"""Progress on stderr: a line every few seconds while rows flow, one when a stream is committed."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger("target-iceberg")
SECONDS = 10.0


class Progress:
    """Rows and rows per second of one stream, counted from its SCHEMA on."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._began = self._told = time.monotonic()

    def tell(self, rows: int) -> None:
        """Log the rows so far, but not more often than every few seconds."""
        now = time.monotonic()
        if now - self._told >= SECONDS:
            self._told = now
            logger.info("%s: %s rows, %s rows/s", self._stream, f"{rows:,}", f"{self._rate(rows, now):,.0f}")

    def done(self, rows: int, rejects: int, place: str, commit_seq: int) -> None:
        """Log the commit."""
        rate = self._rate(rows, time.monotonic())
        logger.info(
            "%s: committed %s rows to %s as commit %d (%s rejected, %s rows/s)",
            self._stream, f"{rows:,}", place, commit_seq, f"{rejects:,}", f"{rate:,.0f}",
        )  # fmt: skip

    def _rate(self, rows: int, now: float) -> float:
        return rows / max(now - self._began, 1e-6)
