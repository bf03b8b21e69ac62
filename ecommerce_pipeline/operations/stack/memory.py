"""How much memory a service holds, with all its children."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def resident(pid: int) -> int:
    """Bytes of the process and its descendants; 0 where there is no /proc."""
    if not pid or not Path("/proc/self/statm").exists():
        return 0
    children = _children()
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        waiting += children.get(one, [])
        with suppress(OSError):
            total += _own(one)
    return total


def _own(pid: int) -> int:
    """The proportional share where it may be read, which counts PostgreSQL's shared buffers once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                found.setdefault(parent, []).append(int(folder.name))
    return found
