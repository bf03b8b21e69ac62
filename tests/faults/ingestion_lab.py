"""A source that lives, a lake, and runs of `tap-shop` between them that are killed; the tests say what must be true
afterwards.

A run is killed at a moment that is drawn by lot but tied to something that has just happened (a batch was staged, a
data file, a manifest or metadata were written), so that the kills fall where they hurt.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from ecommerce_pipeline.ingestion.starter import Program
from ecommerce_pipeline.lakehouse.catalog import catalog_properties, open_catalog
from ecommerce_pipeline.settings import Settings
from tests.faults.ingestion_runs import Fork, Run, begin

ROOT = Path(__file__).parents[2]
MOMENTS = ("tap started", "batch staged", "data file written", "manifest written", "metadata written", "committed")
BY_SHELL = ("tap", "target", "meltano")
BY_DAGSTER = (*BY_SHELL, "dagster")
Row = dict[str, Any]


class Lab:
    """The lake, and runs into it from `url`: by the shell's `meltano run`, or by a process of Dagster's."""

    victims = BY_SHELL
    tap_settings: dict[str, str] = {}  # noqa: RUF012 - one for all of a class

    def __init__(self, url: str, folder: Path, seed: int) -> None:
        self.url, self.folder, self.luck = url, folder, random.Random(seed)
        self.settings = Settings(home=folder / "home", _env_file=None)
        open_catalog(self.settings).close()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "SHOPSPHERE_HOME": str(self.settings.home),
            "SHOPSPHERE_ENV_FILE": str(self.folder / ".env"),
            "SHOPSPHERE_SHOP_URL": self.url,
            "SHOPSPHERE_LAKE_PROPERTIES": json.dumps(catalog_properties(self.settings)),
            "SHOPSPHERE_LEASE": "ecommerce_pipeline.lakehouse.lease:hold_tables",
            "SHOPSPHERE_STAGE_DIR": str(self.settings.stage_dir),
            "NO_COLOR": "1",
            **{f"TAP_SHOP_{name}": value for name, value in self.tap_settings.items()},
        }

    def command(self) -> list[str]:
        return ["meltano", "--cwd", "meltano", "run", "--force", "tap-shop", "target-iceberg"]

    def start(self, desk: str = "meltano") -> Run:
        """Begin a run; `desk` is where Meltano keeps its own files, which two runs at once must not share."""
        environment = self.environment | {
            "MELTANO_DATABASE_URI": f"sqlite:///{self.folder}/{desk}.db",
            "MELTANO_SYS_DIR_ROOT": str(self.folder / desk),
        }
        program, *arguments = self.command()
        return self.begin(Program([str(Path(sys.executable).with_name(program)), *arguments], ROOT, environment))

    def begin(self, program: Program) -> Run:
        return begin(program, self.folder / "run.log")

    def run(self) -> None:
        process = self.start()
        assert process.wait(180) == 0, self.log().decode()[-4000:]

    def kill_a_run(self) -> str:
        """Start a run, wait for a moment, kill a victim; returns what was done.

        Whom the victim leaves behind works on to its end: the next run begins before or after that, by lot.
        """
        victim, moment = self.luck.choice(self.victims), self.luck.choice(MOMENTS)
        before = self.evidence()
        process = self.start()
        happened = self.wait_for(process, moment, before)
        time.sleep(self.luck.choice((0, 0, 0.002, 0.01, 0.05)))
        family = children(process.pid)
        for target in [member for member in family if plays(member, victim)] or [psutil.Process(process.pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                target.send_signal(signal.SIGKILL)
        process.wait(120)
        at_once = victim == "dagster" and self.luck.random() < 0.5
        if not at_once:
            psutil.wait_procs(family, timeout=60)
        done = f"{victim} after {moment}{'' if happened else ' (which did not come)'}"
        return f"{done}, the next run {'at once' if at_once else 'later'}"

    def evidence(self) -> dict[str, set[str]]:
        """What files stand for the moments."""
        lake = self.settings.lake_dir / "warehouse"
        return {
            "batch staged": names(self.settings.stage_dir, "*.arrow"),
            "data file written": names(lake, "*.parquet"),
            "manifest written": names(lake, "*.avro"),
            "metadata written": names(lake, "*.metadata.json"),
        }

    def wait_for(self, process: Run, moment: str, before: dict[str, set[str]]) -> bool:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if self.has_happened(process, moment, before):
                return True
            time.sleep(0.002)
        return False

    def has_happened(self, process: Run, moment: str, before: dict[str, set[str]]) -> bool:
        if moment == "tap started":
            return any("tap-" in member.name() for member in children(process.pid)) and b"Running job" in self.log()
        if moment == "committed":
            return b"committed" in self.log()
        return bool(self.evidence()[moment] - before[moment])

    def log(self) -> bytes:
        return (self.folder / "run.log").read_bytes()

    def raw(self, table: str) -> list[Row]:
        """All rows of a raw table in the order they were loaded."""
        rows = open_catalog(self.settings).load_table(f"raw_shop.{table}").scan().to_arrow().to_pylist()
        rows.sort(key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))
        return rows


class ForkLab(Lab):
    """Runs forked from a process that has imported Meltano, as Dagster starts them: much the cheaper in number."""

    def begin(self, program: Program) -> Run:
        return Fork(program, self.folder / "run.log")


class DagsterLab(Lab):
    """Runs as a run worker of Dagster starts them, which is among the victims."""

    victims = BY_DAGSTER

    def command(self) -> list[str]:
        return ["python", "-m", "tests.faults.ingestion_victim", "raw_shop.orders", "raw_shop.order_items"]


def torment(lab: Lab, kills: int, live: Callable[[], None], compare: Callable[[], None]) -> None:
    """After each killed run a whole one, and what must be true then."""
    lab.run()
    compare()
    for number in range(kills):
        live()
        done = lab.kill_a_run()
        lab.run()
        try:
            compare()
        except AssertionError as error:
            raise AssertionError(f"kill {number + 1}, {done}: {error}") from error


def plays(member: psutil.Process, victim: str) -> bool:
    """Whether a process of the run is the victim; Dagster's own is their parent and plays no other part.

    A Meltano is a fork of Dagster's importer and looks like it, but leads tap and target.
    """
    try:
        if victim == "meltano":
            return any("tap-" in child.name() or "target-" in child.name() for child in member.children())
        return f"{victim}-" in member.name()
    except psutil.NoSuchProcess:
        return False


def own(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_sdc_")}


def names(folder: Path, pattern: str) -> set[str]:
    """The paths under a folder; one that a run deletes meanwhile has none, where `rglob` would raise."""
    return {os.path.join(place, name) for place, _, found in os.walk(folder) for name in fnmatch.filter(found, pattern)}


def children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
