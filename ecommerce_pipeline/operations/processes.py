"""Processes by a mark in their environment: how those a dead supervisor left behind are found, and how they are
ended.

The mark is inherited by every descendant, so a process that changed its parent, session or group is found all the same.
The asking process and its own ancestors are never among the found: a command may be run from within a supervised one.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress

import psutil


def with_mark(name: str, value: str) -> list[int]:
    """Ids of the processes whose environment holds `name=value`, as far as this user may see."""
    spared = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return sorted(
        process.pid for process in psutil.process_iter() if _has(process, name, value) and process.pid not in spared
    )


def _has(process: psutil.Process, name: str, value: str) -> bool:
    try:
        return bool(process.environ().get(name) == value)
    except psutil.Error:  # it has ended meanwhile, or is another user's
        return False


def command_of(pid: int) -> str:
    """The command line of a process, empty if there is none of that id."""
    with suppress(psutil.Error):
        return " ".join(psutil.Process(pid).cmdline())
    return ""


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs; one that has ended but was not yet collected by its parent does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def end(pids: Sequence[int], seconds: float) -> list[int]:
    """Asks the processes to end (SIGINT, which PostgreSQL takes as a fast shutdown), kills what remains; gives
    those that even so remain.
    """
    for number, patience in ((signal.SIGINT, seconds), (signal.SIGKILL, 5.0)):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + patience
        while (pids := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < deadline:
            time.sleep(0.05)
    return list(pids)


def end_children() -> None:
    """Asks the processes that this one has started to end, and those they have started."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.terminate()
