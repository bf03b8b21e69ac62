"""The whole pipeline, measured as its user runs it: the demo, a day's increment, how both grow with history and scale.

usage: python -m benchmarks.pipeline [demo] [history] [scale]     (default: demo history)
Works in folders of its own below var/bench and deletes them; writes docs/benchmarks/pipeline-<part>.md.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measuring import HEADER, ROOT, Measured, machine, run

CLI = str(ROOT / ".venv/bin/shopsphere")
PAGES = ROOT / "docs/benchmarks"
EARLY, LATE = "2017-01-31", "2017-11-27"  # 30 and 330 days of history before the day that is measured


@contextmanager
def company(name: str) -> Iterator[dict[str, str]]:
    """The environment of a company of its own; stopped and deleted in the end."""
    home = ROOT / "var/bench" / name
    shutil.rmtree(home, ignore_errors=True)
    env = {"SHOPSPHERE_HOME": str(home), "SHOPSPHERE_ENV_FILE": str(home / ".env")}
    try:
        yield env
    finally:
        run([CLI, "down"], env)
        shutil.rmtree(home, ignore_errors=True)


def demo() -> str:
    """`demo` at scale 1, then a day's increment, then the same again with nothing new."""
    with company("demo") as env:
        rows = [
            run([CLI, "demo"], env).row("`demo`, scale 1, from nothing"),
            run([CLI, "simulate", "--days", "1"], env).row("`simulate --days 1`"),
            run([CLI, "materialize", "daily_update"], env).row("`materialize daily_update`, a new day"),
            run([CLI, "materialize", "daily_update"], env).row("`materialize daily_update`, nothing new"),
        ]
    left_out = "CPU-s leaves out Meltano, tap and target, which are nobody's children; `ops.pipeline_runs` has theirs."
    return "\n".join([HEADER, *rows, "", left_out])


def history() -> str:
    """One day's increment after 30 and after 330 days of history: time, and rows that ingestion read."""
    early, late = _increment_after(EARLY), _increment_after(LATE)
    lines = [
        "| history before the day | rows read from the sources | new orders | rows read per order | wall s | CPU-s |",
        "|---|---|---|---|---|---|",
    ]
    for days, (measured, rows, orders) in (("30 days", early), ("330 days", late)):
        lines.append(
            f"| {days} | {rows:,} | {orders:,} | {rows / orders:.1f} | {measured.wall:.1f} | {measured.cpu:.1f} |"
        )
    ratio = (late[1] / late[2]) / (early[1] / early[2])
    return "\n".join([*lines, "", f"Rows read per order, 330 days against 30: **{ratio:.2f}**."])


def scale() -> str:
    """A month of the company at scale 10 and 20: one load of everything."""
    measured = {}
    for factor in (10, 20):
        with company(f"scale{factor}") as env:
            measured[factor] = run([CLI, "demo", "--scale", str(factor), "--until", EARLY], env)
    rows = [measured[factor].row(f"`demo --scale {factor}` to {EARLY}") for factor in measured]
    ratio = measured[20].wall / measured[10].wall
    return "\n".join([HEADER, *rows, "", f"Scale 20 against scale 10: **{ratio:.2f}** × the time."])


def _increment_after(day: str) -> tuple[Measured, int, int]:
    with company(f"history-{day}") as env:
        run([CLI, "demo", "--until", day], env)
        before = _query(env, "select count(*) from core.fct_orders")
        run([CLI, "simulate", "--days", "1"], env)
        measured = run([CLI, "materialize", "daily_update"], env)
        orders = _query(env, "select count(*) from core.fct_orders") - before
        return measured, _rows_of_last_commits(env), orders


def _rows_of_last_commits(env: dict[str, str]) -> int:
    """Rows that the incremental streams appended in their newest commit: what the day made ingestion read."""
    tables = _table(env, "select table_schema, table_name from information_schema.tables")
    full = {"inventory", "stores", "campaigns", "demographics"}  # replaced whole by design, every day alike
    names = [f"{r[0]}.{r[1]}" for r in tables if r[0].startswith("raw_") and r[1] not in full]
    counts = [f"select count(*) from {n} where _sdc_commit_seq = 2" for n in names]
    return sum(_query(env, count) for count in counts)


def _query(env: dict[str, str], sql: str) -> int:
    return int(_table(env, sql)[0][0])


def _table(env: dict[str, str], sql: str) -> list[list[str]]:
    import os

    found = subprocess.run(
        [CLI, "query", sql, "--format", "csv"],
        env={**os.environ, **env}, cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return list(csv.reader(io.StringIO(found.stdout)))[1:]


PARTS: dict[str, Callable[[], str]] = {"demo": demo, "history": history, "scale": scale}


def main(parts: list[str]) -> None:
    """Run the parts and write a page for each."""
    PAGES.mkdir(parents=True, exist_ok=True)
    for part in parts or ["demo", "history"]:
        where = machine()
        body = PARTS[part]()
        page = PAGES / f"pipeline-{part}.md"
        page.write_text(f"# {(PARTS[part].__doc__ or part).strip()}\n\n{where}\n\n{body}\n")
        print(Path(page).read_text())


if __name__ == "__main__":
    main(sys.argv[1:])
