"""A stack to be maltreated: its company, its lake, and a second lake on the same sources that nothing happens to.

The second one is of the embedded profile and reads the very same databases, so that what it holds is what an
undisturbed run ends in; `tests/stack/test_parity.py` is why the two may be compared.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil
import pyarrow as pa
from dotenv import dotenv_values
from sqlalchemy.exc import DBAPIError

from ecommerce_pipeline.env_file import keep
from ecommerce_pipeline.lakehouse import branch, reader
from ecommerce_pipeline.lakehouse.errors import LakehouseError
from ecommerce_pipeline.operations import services
from tests.stack.lakes import Lake, difference, lake

SCALE, FOUNDED = 0.01, date(2017, 12, 1)
# what a quick run brings: one extractor, and two models that are made of it and of what people decided
LOAD = "raw_shop.*"
BUILD = "quality.decisions, intermediate.int_decisions, staging.stg_shop__orders, staging.stg_shop__order_items"
SOURCES = ("SHOP_URL", "CATALOG_URL", "HUBSPOT_URL", "HUBSPOT_TOKEN", "WEB_EVENTS_PATH", "CRM_PATH")
OF_A_LOAD = {"run_id", "commit_seq"}


@dataclass(frozen=True)
class Lab:
    """The stack that suffers and the lake that does not."""

    stack: Lake
    calm: Lake

    def pid_of(self, name: str) -> int:
        """The process id of a service as its supervisor has it; 0 if it does not run."""
        return {found.name: found.pid for found in services.status(self.stack.settings)}[name]

    def kill(self, name: str) -> None:
        """kill -9; the supervisor starts it again by itself."""
        os.kill(self.pid_of(name), signal.SIGKILL)

    def suffer(self, selection: str, victim: str, moment: Callable[[], bool]) -> tuple[int, str]:
        """`materialize` with the victim killed at the moment; the exit code and what was said.

        AssertionError if the moment did not come.
        """
        process = self.stack.start("materialize", selection)
        try:
            while not moment():
                assert process.poll() is None, f"the run ended before its moment: {process.communicate()[0]}"
                time.sleep(0.1)
            self.kill(victim)
            said, _ = process.communicate(timeout=600)
        finally:
            process.kill()
        return process.returncode, said

    def is_talking(self, program: str, port: int) -> Callable[[], bool]:
        """Whether a process of that program has a connection to the port."""
        return lambda: any(
            found.raddr and found.raddr.port == port and found.pid and program in command_of(found.pid)
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_ESTABLISHED
        )

    def is_building(self) -> bool:
        """Whether dbt has finished a first table on the candidate."""
        try:
            return any(found.changes for found in branch.list_branches(self.stack.settings))
        except (DBAPIError, LakehouseError):
            return False

    def recover(self, selection: str) -> None:
        """What a person does: start what is down, run again; on the calm lake the same."""
        self.stack.run("stack", "up", "--no-dashboards")
        self.run_both(selection)

    def run_both(self, selection: str) -> None:
        """An undisturbed run of both lakes."""
        self.stack.run("materialize", selection)
        self.calm.run("materialize", selection)

    def compare(self) -> None:
        """Every table of the stack can be read by both engines and holds the rows of the calm lake."""
        disturbed, calm = self.stack.tables(), self.calm.tables()
        assert set(disturbed) == set(calm)
        with reader.connect(self.stack.settings) as trino:
            counts = {t: trino.execute(f"select count(*) from {t}").fetchone()[0] for t in disturbed}
        assert counts == {address: rows.num_rows for address, rows in disturbed.items()}
        assert {a: found for a, rows in calm.items() if (found := unlike(rows, disturbed[a]))} == {}


def unlike(calm: pa.Table, disturbed: pa.Table) -> list[tuple]:
    """The first rows that only one side has; what tells of a load and not of the data is left out."""
    names = [name for name in calm.column_names if not name.startswith("_") and name not in OF_A_LOAD]
    return difference(calm, disturbed, names)


def command_of(pid: int) -> str:
    """The command line of a process; empty if it is gone."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


@contextmanager
def laboratory(folder: Path) -> Iterator[Lab]:
    """Both lakes, empty, on the company's first days; everything ends with the block."""
    for path in (folder, folder / "stack", folder / "calm"):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    with lake("stack", folder / "stack") as stack, lake("embedded", folder / "calm") as calm:
        stack.run("stack", "up", "--no-dashboards")
        found(stack)
        share_sources(stack, calm)
        yield Lab(stack, calm)


def found(stack: Lake) -> None:
    """The company, up to its first day."""
    from shopsphere import company, databases

    stack.run("up")
    where = databases.of(stack.settings)
    company.seed(databases.home(stack.settings), SCALE, FOUNDED, databases=where)


def share_sources(stack: Lake, other: Lake) -> None:
    """Let the other lake read what the stack's reads."""
    known = dotenv_values(stack.home / ".env")
    keep(other.home / ".env", {f"SHOPSPHERE_{name}": known[f"SHOPSPHERE_{name}"] or "" for name in SOURCES})
