"""The tap waits for a target that is slower: only so many files stand between them, whatever the source's size."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PATIENCE_SECONDS = 120.0
LOOK_SECONDS = 0.02


def wait_for_target(files: Sequence[Path], ahead: int) -> list[Path]:
    """Wait until fewer than `ahead` of the files are left; returns those that are left.

    Goes on after a while, since a stock target may keep files until its end. Raises BrokenPipeError if the target is
    gone, which a tap that waits would not notice otherwise.
    """
    deadline, left = time.monotonic() + PATIENCE_SECONDS, list(files)
    while len(left) >= ahead:
        left = [path for path in left if path.exists()]
        if len(left) < ahead or time.monotonic() > deadline:
            break
        if _nobody_reads():
            raise BrokenPipeError
        time.sleep(LOOK_SECONDS)
    return left


def _nobody_reads() -> bool:
    """Whether stdout is a pipe whose other end is closed."""
    try:
        standard = sys.stdout.fileno()
    except (OSError, ValueError):  # no file of the system's, as in tests
        return False
    poll = select.poll()
    poll.register(standard, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))
