"""Processes by a mark in their environment: how those a dead supervisor left behind are found, and how they are
ended.

The mark is inherited by every descendant, so a process that changed its parent, session or group is found all the same.
The asking process and its own ancestors are never among the found: a command may be run from within a supervised one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def with_mark(name: str, value: str) -> list[int]:
    """Ids of the processes whose environment holds `name=value`, as far as this user may see."""
    found = _by_proc(f"{name}={value}") if Path("/proc/self/environ").exists() else _by_ps(f"{name}={value}")
    spared = _ancestry()
    return sorted(pid for pid in found if pid not in spared)


def _by_proc(mark: str) -> list[int]:
    wanted, found = mark.encode(), []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile, or is another user's
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return found


def _by_ps(mark: str) -> list[int]:
    """macOS has no /proc; `ps -E` shows the environment of the user's own processes."""
    listed = subprocess.run(["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=True).stdout
    return [int(line.split(None, 1)[0]) for line in listed.splitlines() if f" {mark} " in f"{line} "]


def _ancestry() -> set[int]:
    """This process and those above it."""
    spared, pid = {os.getpid()}, os.getppid()
    while pid > 1 and pid not in spared:
        spared.add(pid)
        pid = _parent(pid)
    return spared


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def command_of(pid: int) -> str:
    """The command line of a process, empty if there is none of that id."""
    with suppress(OSError):
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if Path("/proc/self").exists():
        return ""
    command = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def is_alive(pid: int) -> bool:
    """Whether a process of that id runs; one that has ended but was not yet collected by its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
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
