"""Whether a process of this machine is still the one it was: a pid alone may have been given to another."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

HOST = socket.gethostname()


def started(pid: int) -> str | None:
    """When the process started, in the system's own words, only to be compared; None if it is dead or a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    listed = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, moment = listed.stdout.strip().partition(" ")
    return moment.strip() if moment and not state.startswith("Z") else None


def own() -> tuple[int, str]:
    """This process: pid and start."""
    pid = os.getpid()
    return pid, started(pid) or ""
