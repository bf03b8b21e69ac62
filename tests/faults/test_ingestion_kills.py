"""kill -9 of tap, target or Meltano at any moment of `meltano run`: after a rerun the lake equals the source, row by
row.

A real PostgreSQL changes between the runs; each run is killed at a moment that is drawn by lot but tied to something
that has just happened (a batch was staged, a data file, a manifest or metadata were written), so that the kills fall
where they hurt.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tap_sql.testing import ThrowawayPostgres, throwaway_postgres

from ecommerce_pipeline.lakehouse.catalog import catalog_properties, open_catalog
from ecommerce_pipeline.settings import Settings

MELTANO = Path(__file__).parents[2] / "meltano"
KEYS = {"orders": ("order_id",), "order_items": ("order_id", "product_id")}
VICTIMS = ("tap", "target", "meltano")
MOMENTS = ("tap started", "batch staged", "data file written", "manifest written", "metadata written", "committed")
SCHEMA = """
create table shop.orders (order_id bigint primary key, customer_id int, total_amount numeric(12,2), status varchar(20),
  updated_at timestamp(6) not null);
create table shop.order_items (order_id bigint, product_id bigint, quantity int, updated_at timestamp(6) not null,
  primary key (order_id, product_id));
create sequence shop.clock;
create function shop.tick() returns timestamp language sql as
  $$ select timestamp '2017-01-01' + nextval('shop.clock') * interval '1 millisecond' $$;
insert into shop.orders select i, i % 50, i / 100.0, 'placed', shop.tick() from generate_series(1, 2000) i;
insert into shop.order_items select i % 2000, i, i % 7, shop.tick() from generate_series(1, 4000) i;
"""


class Lab:
    """A source that lives, a lake, and `meltano run` between them."""

    def __init__(self, server: ThrowawayPostgres, folder: Path, seed: int) -> None:
        self.server, self.folder, self.luck = server, folder, random.Random(seed)
        self.settings = Settings(home=folder / "home", _env_file=None)
        open_catalog(self.settings)
        self.next_order, self.rejected = 10_000, 0

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "SHOPSPHERE_HOME": str(self.settings.home),
            "SHOPSPHERE_SHOP_URL": self.server.reader_url,
            "SHOPSPHERE_LAKE_PROPERTIES": json.dumps(catalog_properties(self.settings)),
            "SHOPSPHERE_LEASE": "ecommerce_pipeline.lakehouse.lease:hold_tables",
            "SHOPSPHERE_STAGE_DIR": str(self.folder / "stage"),
            "TAP_SHOP_BATCH_ROWS": "700",
            "NO_COLOR": "1",
        }

    def start(self, desk: str = "meltano") -> subprocess.Popen[bytes]:
        """Begin a run; `desk` is where Meltano keeps its own files, which two runs at once must not share."""
        environment = self.environment | {
            "MELTANO_DATABASE_URI": f"sqlite:///{self.folder}/{desk}.db",
            "MELTANO_SYS_DIR_ROOT": str(self.folder / desk),
        }
        command = ["meltano", "--cwd", str(MELTANO), "run", "--force", "tap-shop", "target-iceberg"]
        log = (self.folder / "run.log").open("wb")
        return subprocess.Popen(
            command,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            executable=shutil.which("meltano", path=self.environment["PATH"]),
        )

    def run(self) -> None:
        process = self.start()
        assert process.wait(120) == 0, (self.folder / "run.log").read_text()[-4000:]

    def live(self) -> None:
        """The company goes on: new orders, changed ones, one that no exact column can hold."""
        first, self.next_order = self.next_order, self.next_order + 150
        self.server.execute(
            f"insert into shop.orders select i, i % 50, i / 100.0, 'placed', shop.tick() from "
            f"generate_series({first}, {first + 148}) i;"
            f"insert into shop.orders values ({first + 149}, 7, 'NaN', 'placed', shop.tick());"
            f"insert into shop.order_items select i, i % 9, 1, shop.tick() from generate_series({first}, "
            f"{first + 149}) i;"
            "update shop.orders set status = 'paid', updated_at = shop.tick() where total_amount <> 'NaN' and "
            "order_id in"
            f" (select (random() * {first})::int from generate_series(1, 200));"
            f"update shop.order_items set quantity = quantity + 1, updated_at = shop.tick() where product_id % 40 "
            f"= {first % 40}"
        )
        self.rejected += 1

    def kill_a_run(self) -> str:
        """Start a run, wait for a moment, kill a victim; returns what was done."""
        victim, moment = self.luck.choice(VICTIMS), self.luck.choice(MOMENTS)
        before = self.evidence()
        process = self.start()
        happened = self.wait_for(process, moment, before)
        time.sleep(self.luck.choice((0, 0, 0.002, 0.01, 0.05)))
        family = children(process.pid)
        for target in [p for p in family if victim != "meltano" and f"{victim}-" in p.name()] or [
            psutil.Process(process.pid)
        ]:
            with contextlib.suppress(psutil.NoSuchProcess):
                target.send_signal(signal.SIGKILL)
        process.wait(60)
        psutil.wait_procs(family, timeout=30)
        return f"{victim} after {moment}{'' if happened else ' (which did not come)'}"

    def evidence(self) -> dict[str, set[str]]:
        """What files stand for the moments."""
        lake = self.settings.lake_dir / "warehouse"
        return {
            "batch staged": names(self.folder / "stage", "*.arrow"),
            "data file written": names(lake, "*.parquet"),
            "manifest written": names(lake, "*.avro"),
            "metadata written": names(lake, "*.metadata.json"),
        }

    def wait_for(self, process: subprocess.Popen[bytes], moment: str, before: dict[str, set[str]]) -> bool:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if self.has_happened(process, moment, before):
                return True
            time.sleep(0.002)
        return False

    def has_happened(self, process: subprocess.Popen[bytes], moment: str, before: dict[str, set[str]]) -> bool:
        if moment == "tap started":
            return any("tap-" in p.name() for p in children(process.pid)) and b"Running job" in self.log()
        if moment == "committed":
            return b"committed" in self.log()
        return bool(self.evidence()[moment] - before[moment])

    def log(self) -> bytes:
        return (self.folder / "run.log").read_bytes()

    def compare(self) -> None:
        """The newest version of every key is the source's row, and no version stands twice."""
        catalog = open_catalog(self.settings)
        for table, keys in KEYS.items():
            raw = catalog.load_table(f"raw_shop.{table}").scan().to_arrow().to_pylist()
            versions = [(*(row[key] for key in keys), row["updated_at"]) for row in raw]
            assert len(versions) == len(set(versions)), f"{table}: rows doubled"
            raw.sort(key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))
            newest = {tuple(row[key] for key in keys): own(row) for row in raw}
            assert newest == self.source_rows(table, keys)
        rejects = catalog.load_table("quality.rejects").scan().to_arrow().to_pylist() if self.rejected else []
        positions = [row["position"] for row in rejects]
        assert len(positions) == len(set(positions)) == self.rejected

    def source_rows(self, table: str, keys: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
        import psycopg
        from psycopg.rows import dict_row

        with psycopg.connect(self.server.owner_url, row_factory=dict_row) as connection:
            rows = connection.execute(f"select * from shop.{table}".encode()).fetchall()
        fits = [row for row in rows if not row.get("total_amount", 0).is_nan()] if table == "orders" else rows
        return {tuple(row[key] for key in keys): row for row in fits}


def own(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("_sdc_")}


def names(folder: Path, pattern: str) -> set[str]:
    """The paths under a folder; one that a run deletes meanwhile has none, where `rglob` would raise."""
    return {os.path.join(place, name) for place, _, found in os.walk(folder) for name in fnmatch.filter(found, pattern)}


def children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.fixture(scope="module")
def server() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as running:
        yield running


@pytest.fixture
def lab(server: ThrowawayPostgres, tmp_path: Path, request: pytest.FixtureRequest) -> Lab:
    server.execute("drop schema shop cascade; create schema shop; grant usage on schema shop to reader")
    server.execute(SCHEMA)
    server.execute("grant select on all tables in schema shop to reader")
    return Lab(server, tmp_path, getattr(request, "param", None) or 20171215)


def torment(lab: Lab, kills: int) -> None:
    lab.run()
    lab.compare()
    for number in range(kills):
        lab.live()
        done = lab.kill_a_run()
        lab.run()
        try:
            lab.compare()
        except AssertionError as error:
            raise AssertionError(f"kill {number + 1}, {done}: {error}") from error


def test_five_kills_lose_nothing_and_double_nothing(lab):
    torment(lab, 5)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("lab", range(1, 13), indirect=True)
def test_many_kills_lose_nothing_and_double_nothing(lab):
    torment(lab, 25)


def test_two_runs_at_once_leave_each_row_once(lab):
    lab.run()
    lab.live()
    runs = [lab.start("one"), lab.start("two")]
    codes = sorted(run.wait(120) for run in runs)
    assert codes[0] == 0, lab.log().decode()[-4000:]
    lab.run()
    lab.compare()


def test_a_retried_step_with_the_same_run_id_keeps_what_was_committed(lab, monkeypatch):
    monkeypatch.setattr(
        Lab, "environment", property(lambda self, base=Lab.environment.fget: {**base(self), "DAGSTER_RUN_ID": "one"})
    )
    lab.run()
    lab.live()
    lab.run()
    lab.compare()
    rows = open_catalog(lab.settings).load_table("raw_shop.orders").scan(selected_fields=("_sdc_run_id",)).to_arrow()
    assert set(rows["_sdc_run_id"].to_pylist()) == {"one"}
