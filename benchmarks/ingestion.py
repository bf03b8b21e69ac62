"""A database → Iceberg through `meltano run`, against connectorx → PyIceberg by hand and against dlt, in the same run.

usage: python -m benchmarks.ingestion [rounds] [rows] [case] (default 3, 1,000,000 and postgres; others: mysql, wide).
Every round runs all, and the best of each counts; from 5,000,000 rows on without dlt's slow backend, from 20,000,000 on
ours alone. A throw-away server and folders of its own; dlt gets a throw-away environment through uv. Writes
docs/benchmarks/ingestion.md, -mysql.md, -wide.md, -large.md or -huge.md.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.ingestion_tables import CASES, Case, Source, opened
from benchmarks.measuring import ROOT, Measured, machine, run
from benchmarks.object_store import object_store

PAGES = ROOT / "docs/benchmarks"
ROWS, LARGE, HUGE = 1_000_000, 5_000_000, 20_000_000
DLT = (
    "dlt[sql_database,filesystem,pyiceberg]==1.31.0",
    "connectorx==0.4.6",
    "psycopg[binary]",
    "pymysql",
    "pyarrow==26.0.1",
)
DLT_BACKENDS = ("connectorx", "pyarrow")
FLOORS = {"by hand": 0.85, "dlt": 1.7, "a folder, into MinIO": 0.8}
_STAMP = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3})"


@dataclass(frozen=True)
class Result:
    """One contender's run; `seconds` are those in which rows flow."""

    name: str
    rows: int
    seconds: float
    measured: Measured

    @property
    def rate(self) -> float:
        """Rows a second once rows flow."""
        return self.rows / self.seconds

    def row(self) -> str:
        """A row of the page's table."""
        m = self.measured
        peaks = f"{m.peak_rss / 2**20:,.0f} | {m.peak_tree / 2**20:,.0f}"
        per_million = m.cpu / self.rows * 1e6
        return (
            f"| {self.name} | {self.rate:,.0f} | {self.seconds:.2f} | {m.wall:.1f} | {m.cpu:.1f} | {per_million:.1f} | "
            f"{peaks} |"
        )


def main(rounds: int = 3, rows: int = ROWS, case_name: str = "postgres") -> None:
    """Run all contenders in turn, print the ratios, write the page; exits 1 if a floor is missed."""
    case = CASES[case_name]
    with opened(case, rows) as server, tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder, load = Path(scratch), machine()
        contenders = [lambda: ours(server, folder, rows)]
        if rows < HUGE:
            contenders += [lambda: into_minio(server, folder, rows), lambda: by_hand(server, folder, rows)]
            contenders += dlts(server, folder, rows)
        best = [fastest(contender) for contender in interleaved(contenders, rounds)]
    ratios = compared(*best) if best[1:] else {}
    page = report(case, best, ratios, load, rounds)
    page_path(case_name, rows).write_text(page)
    print(page)
    missed = [name for name, ratio in ratios.items() if ratio < FLOORS[name]]
    if missed:
        sys.exit(f"below the floor: {', '.join(missed)}")


def compared(ours: Result, in_minio: Result, hand: Result, *dlt: Result) -> dict[str, float]:
    """Our rows a second against theirs, and MinIO's against the folder's."""
    return {
        "by hand": ours.rate / hand.rate,
        "dlt": ours.rate / max(result.rate for result in dlt),
        "a folder, into MinIO": in_minio.rate / ours.rate,
    }


def page_path(case_name: str, rows: int) -> Path:
    """Where the page stands."""
    size = "-huge" if rows >= HUGE else "-large" if rows >= LARGE else ""
    kind = "" if case_name == "postgres" else f"-{case_name}"
    return PAGES / f"ingestion{kind}{size}.md"


def dlts(server: Source, folder: Path, rows: int) -> list[Callable[[], Result]]:
    """dlt with each of its backends that ends within minutes."""
    python = dlt_environment(folder)
    backends = DLT_BACKENDS[:1] if rows >= LARGE else DLT_BACKENDS
    return [lambda backend=backend: with_dlt(server, folder, python, backend, rows) for backend in backends]


def interleaved(contenders: list[Callable[[], Result]], rounds: int) -> list[list[Result]]:
    """Every contender once a round, so that a busy minute hits all alike."""
    results: list[list[Result]] = [[] for _ in contenders]
    for number in range(rounds):
        for index, contender in enumerate(contenders):
            results[index].append(contender())
            print(f"round {number + 1}: {results[index][-1].row()}", file=sys.stderr)
    return results


def fastest(results: list[Result]) -> Result:
    """The best of several runs: noise only ever slows down."""
    return min(results, key=lambda result: result.seconds)


def ours(server: Source, scratch: Path, rows: int) -> Result:
    """`meltano run`, every part as it is in production but the pipeline's lease."""
    folder = fresh(scratch / "ours")
    properties = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"file://{folder}/warehouse"}
    return with_meltano("`meltano run` tap-sql → target-iceberg", server, folder, rows, properties)


def into_minio(server: Source, scratch: Path, rows: int) -> Result:
    """The same into an object store."""
    folder = fresh(scratch / "into_minio")
    with object_store(folder) as store:
        return with_meltano("the same, into MinIO", server, folder, rows, store.properties)


def with_meltano(name: str, server: Source, folder: Path, rows: int, properties: dict[str, str]) -> Result:
    """A run into the lake of these properties."""
    measured = run(*extraction(server, folder, properties))
    first = moment(measured.stderr, r"order_items: reading")
    last = max(moments(measured.stderr, r"committed [\d,]+ rows"))  # a large table is committed in parts
    return Result(name, rows, (last - first).total_seconds(), measured)


def extraction(server: Source, folder: Path, properties: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """The command that reads the source into the lake of these properties, and its environment, in the folder."""
    env = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "SHOPSPHERE_HOME": str(folder),
        "SHOPSPHERE_SHOP_URL": server.reader_url,
        "SHOPSPHERE_LAKE_PROPERTIES": json.dumps(properties),
        "SHOPSPHERE_STAGE_DIR": str(folder / "stage"),
        "MELTANO_DATABASE_URI": f"sqlite:///{folder}/meltano.db",
        "MELTANO_SYS_DIR_ROOT": str(folder / "meltano"),
        "NO_COLOR": "1",
    }
    meltano = [str(Path(sys.executable).with_name("meltano")), "--cwd", str(ROOT / "meltano")]
    return [*meltano, "run", "--force", "tap-shop", "target-iceberg"], env


def by_hand(server: Source, scratch: Path, rows: int) -> Result:
    """connectorx → PyIceberg."""
    folder = fresh(scratch / "by_hand")
    command = [sys.executable, "-m", "benchmarks.peers.by_hand", server.reader_url, str(folder)]
    measured = run(command, {"SHOPSPHERE_HOME": str(folder)})
    return Result("connectorx → PyIceberg by hand", rows, told_seconds(measured, rows), measured)


def with_dlt(server: Source, scratch: Path, python: Path, backend: str, rows: int) -> Result:
    """dlt with a backend."""
    folder = fresh(scratch / f"dlt_{backend}")
    program = ROOT / "benchmarks/peers/with_dlt.py"
    measured = run(
        [str(python), str(program), backend, server.reader_url, str(folder)], {"SHOPSPHERE_HOME": str(folder)}
    )
    return Result(f"dlt, {backend} backend", rows, told_seconds(measured, rows), measured)


def dlt_environment(scratch: Path) -> Path:
    """A throw-away environment with dlt in it; its Python."""
    python = scratch / "dlt/bin/python"
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(scratch / "dlt")], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), *DLT], check=True)
    return python


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def moment(log: str, said: str) -> datetime:
    """When tap or target first logged something; raises RuntimeError if they did not."""
    return moments(log, said)[0]


def moments(log: str, said: str) -> list[datetime]:
    """Each time that tap or target logged it."""
    found = re.findall(rf"{_STAMP} INFO \S+ .*{said}", log)
    if not found:
        raise RuntimeError(f"the log does not say {said!r}:\n{log[-2000:]}")
    return [datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f") for text in found]  # noqa: DTZ007 (they are subtracted)


def told_seconds(measured: Measured, rows: int) -> float:
    """What a peer said on its last line."""
    told = json.loads(measured.stderr.strip().splitlines()[-1])
    if told["rows"] != rows:
        raise RuntimeError(f"{told['rows']} rows arrived, {rows} were there")
    return float(told["seconds"])


def report(case: Case, best: list[Result], ratios: dict[str, float], load: str, rounds: int) -> str:
    """The page."""
    manner = f"Best of {rounds} interleaved rounds" if ratios else f"Best of {rounds}, ours alone"
    lines = [
        f"# Ingestion: {case.title} → Iceberg",
        "",
        f"{best[0].rows:,} rows of {case.columns} and the loader's 6, one stream, first load. {load}. "
        f"{manner}. The server's own work is in the seconds, not in the "
        "CPU-seconds; `meltano run` includes discovery and Meltano itself.",
        "",
        "| what | rows/s once rows flow | flowing s | wall s | CPU-s | CPU-s a million rows | largest process MB "
        "| all its processes MB |",
        "|---|---|---|---|---|---|---|---|",
        *[result.row() for result in best],
        "",
        *[f"- {ratio:.2f} × {name} (floor {FLOORS[name]})" for name, ratio in ratios.items()],
        *[f"- CPU-seconds: {best[0].measured.cpu / other.measured.cpu:.2f} × {other.name}" for other in best[1:]],
        "",
        "Run it: `.venv/bin/python -m benchmarks.ingestion [rounds] [rows] [case]`. By hand means the whole table in "
        "memory, no bookmark, no evolution, no rejects.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]), *sys.argv[3:4])
