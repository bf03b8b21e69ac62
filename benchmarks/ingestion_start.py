"""What an extraction costs before its first row: from the step's start, as Dagster runs it, with a table of few rows.

usage: python -m benchmarks.ingestion_start [rounds] (default 3; the best counts). The first run of a process waits for
Meltano's import, the others fork it (docs/adr/0016). Writes docs/benchmarks/ingestion-start.md; exits 1 above a limit.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from tap_sql.testing import throwaway_postgres

from benchmarks.measuring import ROOT, machine
from ecommerce_pipeline.ingestion import run as meltano
from ecommerce_pipeline.ingestion.failures import Line
from ecommerce_pipeline.settings import Settings

PAGE = ROOT / "docs/benchmarks/ingestion-start.md"
SECONDS_LIMIT, CPU_LIMIT = 4.0, 4.0
EXTRACTOR, STREAM = "tap-shop", "shop-orders"
MOMENTS = {"the tap reads": "reading", "rows are there": "rows sent", "rows are committed": "committed"}
TABLE = """
create table shop.orders (order_id bigint primary key, name text, updated_at timestamp(6));
insert into shop.orders select i, 'p' || i, now() from generate_series(1, 1000) i
"""


@dataclass(frozen=True)
class Start:
    """Seconds from the beginning of a run to each of the moments, and CPU-seconds of the whole run."""

    moments: dict[str, float]
    cpu: float

    def row(self, name: str) -> str:
        """A row of the page's table."""
        return f"| {name} | {' | '.join(f'{self.moments[what]:.1f}' for what in MOMENTS)} | {self.cpu:.1f} |"


def main(rounds: int = 3) -> None:
    """The first run, and the best of those after it."""
    load = machine()
    with throwaway_postgres() as server, tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
        server.execute(TABLE)
        settings = Settings(home=Path(folder), shop_url=server.reader_url, _env_file=None)
        first, later = once(settings), []
        for _ in range(rounds):
            server.execute("update shop.orders set updated_at = now()")
            later.append(once(settings))
    best = min(later, key=lambda start: start.moments["rows are there"])
    page = report(first, best, rounds, load)
    PAGE.write_text(page)
    print(page)
    if best.moments["rows are there"] > SECONDS_LIMIT or best.cpu > CPU_LIMIT:
        sys.exit("above a limit")


def once(settings: Settings) -> Start:
    """One run of the stream."""
    began, seen = time.monotonic(), dict[str, float]()

    def listen(line: Line) -> None:
        for what, said in MOMENTS.items():
            if said in line.text and what not in seen:
                seen[what] = time.monotonic() - began

    used = meltano.run(settings, meltano.Request(EXTRACTOR, [STREAM], str(uuid.uuid4())), listen)
    if used is None or set(seen) != set(MOMENTS):
        raise RuntimeError(f"the run's log told only of {sorted(seen)}, and of its usage {used}")
    return Start(seen, used.cpu_seconds)


def report(first: Start, best: Start, rounds: int, load: str) -> str:
    """The page."""
    return "\n".join([
        "# Ingestion: from a step's start to its first row",
        "",
        f"1,000 rows of PostgreSQL, one stream, `{EXTRACTOR}` as Dagster runs it. {load}. CPU-seconds are those of "
        "Meltano, tap and target to the end of the run; the import of Meltano, once a process, is not among them.",
        "",
        f"| run | {' | '.join(f'{what}, s' for what in MOMENTS)} | CPU-s |",
        "|---|---|---|---|---|",
        first.row("the first of a process"),
        best.row(f"a later one (best of {rounds})"),
        "",
        f"Limits: {SECONDS_LIMIT:g} s to the first row, {CPU_LIMIT:g} CPU-seconds.",
        "",
        "Run it: `.venv/bin/python -m benchmarks.ingestion_start`.",
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
