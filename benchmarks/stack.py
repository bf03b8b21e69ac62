"""`demo` on the stack at scale 1, from nothing, and a day's increment: wall time, and what each server takes.

usage: python -m benchmarks.stack [scale]     (default 1; the servers' programs must be in the cache)
Works in a temporary folder and deletes it; writes docs/benchmarks/stack.md.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.measuring import HEADER, ROOT, machine, run
from benchmarks.pipeline import CLI, PAGES
from benchmarks.statements import asked, table
from ecommerce_pipeline.settings import Settings

SERVERS = {"minio": "MinIO", "postgresql": "PostgreSQL", "mariadb": "MariaDB", "trino": "Trino", "hubspot": "the API"}
EVERY_SECONDS = 1.0
NOTE = """`CPU-s` above is the command's own with dbt, without Meltano, tap and target
(`ops.pipeline_runs` has theirs); below, the servers'. They are looked at once a
second, so work of a PostgreSQL connection that ended within one is missing. dbt has two threads, Trino one node with a
heap of 2 GB. A statement counts in Trino from its arrival to its end; the models' own statements and the tests are the
work, everything else is what dbt and this project put around it.

Run it: `.venv/bin/python -m benchmarks.stack`."""


@contextmanager
def stack() -> Iterator[dict[str, str]]:
    """The environment of a stack of its own; stopped and deleted in the end."""
    home = Path(tempfile.mkdtemp(prefix="shopsphere-bench-"))
    home.chmod(0o755)  # PostgreSQL and MariaDB run as other users, who must be let through
    env = {"HOME": str(home), "ENV_FILE": str(home / ".env"), "PROFILE": "stack", "STACK_RUNNER": "native"}
    env = {f"SHOPSPHERE_{name}": value for name, value in env.items()}
    try:
        yield env
    finally:
        run([CLI, "down"], env)
        shutil.rmtree(home, ignore_errors=True)


@dataclass
class Usage:
    """What a server used: the largest memory seen and the CPU-seconds so far, with its children."""

    peak: int = 0
    cpu: dict[int, float] = field(default_factory=dict)


@contextmanager
def watching(home: Path) -> Iterator[dict[str, Usage]]:
    """Samples every server of that home until the block ends."""
    used: dict[str, Usage] = {name: Usage() for name in SERVERS}
    over = threading.Event()

    def loop() -> None:
        while not over.wait(EVERY_SECONDS):
            for name, process in _servers(home):
                _sample(used[name], process)

    watcher = threading.Thread(target=loop, daemon=True)
    watcher.start()
    try:
        yield used
    finally:
        over.set()
        watcher.join()


def _servers(home: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The supervisor's children, by the name under which it keeps each."""
    try:
        supervisor = psutil.Process(int((home / "run" / "supervisord.pid").read_text()))
        for child in supervisor.children():
            name = child.environ().get("SUPERVISOR_PROCESS_NAME", "")
            if name in SERVERS:
                yield name, child
    except (OSError, ValueError, psutil.Error):
        return  # not up yet, or going down


def _sample(used: Usage, process: psutil.Process) -> None:
    total = 0
    try:
        for one in (process, *process.children(recursive=True)):
            total += getattr(one.memory_full_info(), "pss", one.memory_info().rss)
            times = one.cpu_times()
            used.cpu[one.pid] = times.user + times.system
    except psutil.Error:
        return  # it ended between being listed and being looked at
    used.peak = max(used.peak, total)


def main(scale: str) -> None:
    """Measure and write the page."""
    where = machine()
    with stack() as env:
        begun = time.monotonic()
        with watching(Path(env["SHOPSPHERE_HOME"])) as used:
            rows = [
                run([CLI, "stack", "up", "--no-dashboards"], env).row("`stack up`, programs in the cache, data made"),
                run([CLI, "demo", "--scale", scale], env).row(f"`demo`, scale {scale}, from nothing"),
                run([CLI, "simulate", "--days", "1"], env).row("`simulate --days 1`"),
            ]
            since = datetime.now(UTC)
            rows.append(run([CLI, "materialize", "daily_update"], env).row("`materialize daily_update`, a new day"))
        seconds = time.monotonic() - begun
        home = Path(env["SHOPSPHERE_HOME"])
        statements = asked(Settings(_env_file=home / ".env", home=home, profile="stack"), since)
    servers = ["| server | peak memory MB | CPU-s |", "|---|---|---|"]
    for name, one in used.items():
        servers.append(f"| {SERVERS[name]} | {one.peak / 2**20:,.0f} | {sum(one.cpu.values()):,.0f} |")
    body = [HEADER, *rows, "", f"The servers, over all of it ({seconds:,.0f} s):", "", *servers]
    body += ["", "What dbt asked Trino in that `daily_update`:", "", *table(statements)]
    page = PAGES / "stack.md"
    page.write_text("\n".join(["# The pipeline on the stack", "", where, "", *body, "", NOTE]) + "\n")
    print(page.read_text())


if __name__ == "__main__":
    os.chdir(ROOT)
    main(sys.argv[1] if len(sys.argv) > 1 else "1")
