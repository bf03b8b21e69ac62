"""How a command is measured: wall seconds, CPU-seconds of all processes it waited for, and the largest single process.

One absolute time says little on a shared machine; pages quote ratios of figures from the same run wherever there is
something to compare with.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.2


@dataclass(frozen=True)
class Measured:
    """One run of one command: seconds and bytes; `peak_tree` is that of all its processes together."""

    wall: float
    cpu: float
    peak_rss: int
    stderr: str
    peak_tree: int = 0

    def row(self, name: str) -> str:
        """A row of a Markdown table: name, wall, CPU, peak of the largest process."""
        return f"| {name} | {self.wall:.1f} | {self.cpu:.1f} | {self.peak_rss / 2**20:,.0f} |"


HEADER = "| what | wall s | CPU-s | largest process MB |\n|---|---|---|---|"


def run(command: Sequence[str], env: Mapping[str, str], cwd: Path = ROOT) -> Measured:
    """Run the command to its end and measure it; raises RuntimeError with the end of its output if it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    log = Path(env["SHOPSPHERE_HOME"]) / "benchmark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=cwd, env={**os.environ, **env}, stdout=out, stderr=out)
        peak, together = _watch(process)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    said = log.read_text()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with {process.returncode}:\n{said[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall, cpu, peak, said, together)


def _watch(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Largest resident size of any one process of the tree while it runs, and of the tree, in bytes."""
    peak = together = 0
    while process.poll() is None:
        try:
            root = psutil.Process(process.pid)
            sizes = [member.memory_info().rss for member in (root, *root.children(recursive=True))]
            peak, together = max(peak, *sizes), max(together, sum(sizes))
        except psutil.NoSuchProcess:
            pass  # it ended between being listed and being looked at
        time.sleep(SAMPLE_SECONDS)
    return peak, together


def machine() -> str:
    """One line about where and when this was measured, and how fast the machine was then: shared ones swing by two."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} "
        f"{platform.machine()}, "
        f"Python {sys.version_info.major}.{sys.version_info.minor}; load before the run {os.getloadavg()[0]:.1f}, "
        f"reference loop {_reference_loop():.2f} s"
    )


def _reference_loop() -> float:
    """Seconds for five million squares in Python, the best of three."""

    def loop() -> float:
        start = time.perf_counter()
        sum(number * number for number in range(5_000_000))
        return time.perf_counter() - start

    return min(loop() for _ in range(3))
