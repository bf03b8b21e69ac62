"""A store that is slower than the source: whether the memory of tap and target, and the batches between them, stay
as they are while a long reading waits for it.

usage: python -m benchmarks.ingestion_slow_store [rows] [bytes a second] (default 4,000,000 and 2,000,000; a wide
table has a fifth of the rows). Reads PostgreSQL, MySQL and a wide table into MinIO behind a slow line, and writes
docs/benchmarks/ingestion-slow-store.md; exits 1 if memory grows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.ingestion import extraction
from benchmarks.ingestion_tables import CASES, opened
from benchmarks.measuring import ROOT, machine
from benchmarks.object_store import object_store

PAGE = ROOT / "docs/benchmarks/ingestion-slow-store.md"
ROWS, RATE = 4_000_000, 2_000_000
SAMPLE_SECONDS = 0.5
GROWTH = 1.2  # the second half's highest against the first's, beyond which memory is said to grow
SETTLED = 0.3  # of the time: what is loaded and filled once


@dataclass(frozen=True)
class Sample:
    """What tap and target held at a moment, bytes, and what stood in the stage between them."""

    tap: int
    target: int
    stage: int


@dataclass(frozen=True)
class Reading:
    """One case's run."""

    title: str
    rows: int
    seconds: float
    samples: list[Sample]

    def peaks(self, part: str) -> tuple[int, int]:
        """The highest of the first and of the second half, once settled."""
        found = [getattr(sample, part) for sample in self.samples[int(len(self.samples) * SETTLED) :]]
        middle = len(found) // 2
        return max(found[:middle]), max(found[middle:])

    def row(self) -> str:
        """A row of the page's table."""
        pairs = [" → ".join(f"{peak / 2**20:,.0f}" for peak in self.peaks(part)) for part in ("tap", "target", "stage")]
        return f"| {self.title} | {self.rows:,} | {self.rows / self.seconds:,.0f} | {' | '.join(pairs)} |"


def main(rows: int = ROWS, rate: int = RATE) -> None:
    """Run the cases, write the page."""
    load, readings = machine(), []
    for name in ("postgres", "mysql", "wide"):
        readings.append(read(name, rows // 5 if name == "wide" else rows, rate))
        print(readings[-1].row(), file=sys.stderr)
    page = report(readings, rate, load)
    PAGE.write_text(page)
    print(page)
    grown = [r.title for r in readings for part in ("tap", "target") if grows(*r.peaks(part))]
    if grown:
        sys.exit(f"memory grows: {', '.join(grown)}")


def grows(first: int, second: int) -> bool:
    """Whether the second half needed more."""
    return second > first * GROWTH


def read(case_name: str, rows: int, rate: int) -> Reading:
    """One first reading into the slow store."""
    case = CASES[case_name]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as scratch,
        opened(case, rows) as source,
        object_store(Path(scratch), rate) as store,
    ):
        command, env = extraction(source, Path(scratch), store.properties)
        log = Path(scratch, "benchmark.log")
        start = time.monotonic()
        with log.open("w") as out:
            process = subprocess.Popen(command, env={**os.environ, **env}, stdout=out, stderr=out)
            samples = watch(process, Path(scratch, "stage"))
        if process.returncode:
            raise RuntimeError(log.read_text()[-2000:])
        return Reading(case.title, rows, time.monotonic() - start, samples)


def watch(process: subprocess.Popen[bytes], stage: Path) -> list[Sample]:
    """Look at tap and target until the run ends; only moments at which both are there count."""
    samples = []
    while process.poll() is None:
        sizes = {"tap-sql": 0, "target-iceberg": 0}
        try:
            for member in psutil.Process(process.pid).children(recursive=True):
                sizes[member.name()] = member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
        if sizes["tap-sql"] and sizes["target-iceberg"]:
            samples.append(Sample(sizes["tap-sql"], sizes["target-iceberg"], folder_size(stage)))
        time.sleep(SAMPLE_SECONDS)
    return samples


def folder_size(folder: Path) -> int:
    """Bytes of its files; one that is deleted meanwhile has none."""
    size = 0
    for place, _, names in os.walk(folder):  # which, unlike rglob, lets a folder go while it is walked
        for name in names:
            with suppress(FileNotFoundError):
                size += Path(place, name).stat().st_size
    return size


def report(readings: list[Reading], rate: int, load: str) -> str:
    """The page."""
    lines = [
        "# Ingestion: into a store that is slower than the source",
        "",
        f"First readings into MinIO behind a line of {rate / 1e6:g} MB/s. {load}. Memory in MB: the highest of the "
        "reading's first half → of its second half, after the third in which everything is loaded and filled. "
        "Between tap and target stand at most `batches_ahead` batches; then the tap waits.",
        "",
        "| source | rows | rows/s | tap MB | target MB | batches between them, MB |",
        "|---|---|---|---|---|---|",
        *[reading.row() for reading in readings],
        "",
        "Run it: `.venv/bin/python -m benchmarks.ingestion_slow_store`; it fails if memory grows.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
