"""kill -9 of the tap or the target while a log is read: after a rerun the lake equals the source, each change once.

The commands run as processes with a pipe between them, as Meltano runs them; the moment of the kill is tied to
something that has just been written.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from lake import Lake
from logged import Logged

COUNT = 6000
MOMENTS = ("begun", "batch staged", "data file written", "metadata written")


class Line:
    """A source that lives, the two commands, and the lake."""

    def __init__(self, source: Logged, folder) -> None:
        self.source, self.folder, self.lake = source, folder, Lake(folder / "lake")
        assert self.lake.catalog
        settings = {"batch_rows": 700, "batches_ahead": 2}
        (folder / "tap.json").write_text(json.dumps(source.config | settings))
        target = {"catalog_properties": self.lake.properties, "default_target_schema": "raw", "buffer_rows": 500}
        (folder / "target.json").write_text(json.dumps(target | {"file_rows": 1000}))
        (folder / "catalog.json").write_text(json.dumps(source.selected()))

    def live(self) -> None:
        """A thousand changes in some transactions; every version has a number of its own."""
        for _ in range(5):
            self.source.execute(
                "insert into t select nextval('key'), nextval('version') from generate_series(1, 40);"
                "update t set v = nextval('version') where id % 40 = (select nextval('key') % 40);"
                "delete from t where id % 97 = (select nextval('key') % 97)"
            )
            self.source.execute("update u set v = nextval('version') where id <= 100")

    def start(self) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
        """The tap from the state that the tables stand at, and the target behind it."""
        (self.folder / "state.json").write_text(json.dumps(self.state()))
        options = [f"--{name}={self.folder / name}.json" for name in ("catalog", "state")]
        log, pipe = (self.folder / "log").open("ab"), subprocess.PIPE
        tap = subprocess.Popen(command("tap_sql", self.folder / "tap.json", *options), stdout=pipe, stderr=log)
        loading = command("target_iceberg", self.folder / "target.json")
        target = subprocess.Popen(loading, stdin=tap.stdout, stdout=subprocess.DEVNULL, stderr=log)
        assert tap.stdout is not None
        tap.stdout.close()
        return tap, target

    def state(self) -> dict:
        """The bookmarks that stand in the tables."""
        found = {}
        for table in ("t", "u"):
            if self.lake.catalog.table_exists(f"raw.{table}"):
                properties = self.lake.catalog.load_table(f"raw.{table}").metadata.properties
                if "singer.bookmark" in properties:
                    found[f"{self.source.schema}-{table}"] = json.loads(properties["singer.bookmark"])
        return {"bookmarks": found}

    def run(self) -> None:
        tap, target = self.start()
        assert (target.wait(120), tap.wait(120)) == (0, 0), (self.folder / "log").read_text()[-3000:]

    def kill(self, victim: str, moment: str) -> None:
        """Start a run and kill its tap or target as soon as the moment has come."""
        before = self.traces()
        tap, target = self.start()
        pair = {"tap": tap, "target": target}
        deadline = time.monotonic() + 60
        while moment != "begun" and self.traces()[moment] <= before[moment] and time.monotonic() < deadline:
            if target.poll() is not None:
                break
            time.sleep(0.001)
        pair[victim].kill()  # it may have come to its end, if the moment did not come
        for process in pair.values():
            process.wait(60)

    def traces(self) -> dict[str, int]:
        """How many files of each kind there are; the metadata of one table more is the moment between two commits."""
        data = self.folder / "lake/warehouse"
        return {
            "batch staged": files(self.source.stage, ".arrow"),
            "data file written": files(data, ".parquet"),
            "metadata written": files(data, ".metadata.json"),
            "begun": 0,
        }

    def check(self) -> None:
        """The last versions are the source's rows, and no version was loaded twice."""
        for table in ("t", "u"):
            rows = self.lake.catalog.load_table(f"raw.{table}").scan().to_arrow().to_pylist()
            rows.sort(key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))
            last = {row["id"]: row for row in rows}
            live = sorted((i, row["v"]) for i, row in last.items() if row["_sdc_deleted_at"] is None)
            assert live == sorted(self.source.query(f"select id, v from {table}"))
            versions = Counter(row["v"] for row in rows if row["_sdc_deleted_at"] is None)
            assert max(versions.values()) == 1


def files(folder: Path, ending: str) -> int:
    """How many there are; a folder that the target deletes meanwhile has none, where `rglob` would raise."""
    return sum(name.endswith(ending) for _, _, names in os.walk(folder) for name in names)


def command(package: str, config, *options: str) -> list[str]:
    return [sys.executable, "-c", f"from {package}.cli import main; main()", f"--config={config}", *options]


@pytest.fixture
def line(source, tmp_path):
    source.execute(
        "create table t (id int primary key, v int); create table u (like t including all);"
        "create sequence key start 1000000; create sequence version start 1000000;"
        f"insert into t select i, i from generate_series(1, {COUNT}) i;"
        f"insert into u select i, i from generate_series(1, {COUNT}) i"
    )
    logged = Logged.of(source)
    yield Line(logged, tmp_path)
    logged.clear()


def test_runs_killed_in_the_first_reading_and_between_two_commits_of_the_log_cost_nothing_but_time(line):
    line.kill("tap", "batch staged")
    line.live()
    line.run()
    line.live()
    line.kill("target", "metadata written")
    line.run()
    line.check()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
def test_whoever_is_killed_whenever_no_change_is_lost_or_doubled(line, seed):
    luck = random.Random(seed)
    for _ in range(8):
        line.kill(luck.choice(("tap", "target")), luck.choice(MOMENTS))
        line.live()
        if luck.random() < 0.3:
            line.run()
            line.check()
    line.run()
    line.check()
