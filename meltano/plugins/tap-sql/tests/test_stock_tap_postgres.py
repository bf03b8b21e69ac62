"""A stock tap, Meltano's own for PostgreSQL, in an environment of its own, loads through target-iceberg."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from lake import Lake

TAP = "meltanolabs-tap-postgres==0.10.0"


@pytest.fixture(scope="module")
def tap():
    """The tap's command, installed once into the cache."""
    folder = Path.home() / ".cache/shopsphere" / TAP.replace("==", "-")
    if not (folder / "bin/tap-postgres").exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", TAP]
        subprocess.run(pip, check=True, capture_output=True)
    return str(folder / "bin/tap-postgres")


@pytest.mark.soak
def test_meltanos_tap_for_postgresql_loads_and_goes_on_from_its_own_state(tap, source, tmp_path):
    source.execute(
        "create table t (id int primary key, words text, ok boolean, day date, at time, moment timestamp, "
        "zoned timestamptz, big bigint, ratio float8, doc jsonb);"
        "insert into t values (1, 'ü 😀', true, '2017-02-28', '10:11:12.5', '2017-02-28 10:00:00.123456', "
        "'2017-02-28 10:00+05', 9223372036854775807, 0.1, '{\"a\": [1, null]}');"
        "insert into t (id) select generate_series(2, 1000)"
    )
    lake = Lake(tmp_path / "lake")
    assert lake.catalog
    files = {
        "tap": {"sqlalchemy_url": source.server.reader_url, "filter_schemas": [source.schema]},
        "target": {"catalog_properties": lake.properties, "default_target_schema": "raw"},
        "state": {},
    }
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    found = subprocess.run([tap, "--config", "tap.json", "--discover"], cwd=tmp_path, capture_output=True, check=True)
    catalog = json.loads(found.stdout)
    for entry in catalog["streams"]:
        entry |= {"replication_method": "INCREMENTAL", "replication_key": "id"}
        for item in entry["metadata"]:
            item["metadata"]["selected"] = True
            if not item["breadcrumb"]:
                item["metadata"] |= {"replication-method": "INCREMENTAL", "replication-key": "id"}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))

    load(tap, tmp_path)
    rows = {row["id"]: row for row in lake.rows("t")}
    assert rows.keys() == set(range(1, 1001))
    assert rows[1] == {
        "id": 1, "words": "ü 😀", "ok": True, "day": date(2017, 2, 28), "at": time(10, 11, 12, 500000),
        "moment": datetime(2017, 2, 28, 10, 0, 0, 123456, tzinfo=UTC), "zoned": datetime(2017, 2, 28, 5, tzinfo=UTC),
        "big": 9223372036854775807, "ratio": 0.1, "doc": rows[1]["doc"],
    }  # fmt: skip
    assert json.loads(rows[1]["doc"]) == {"a": [1, None]}
    assert lake.rejects() == []
    source.execute("insert into t (id) select generate_series(1001, 1010)")
    load(tap, tmp_path)
    assert {row["id"] for row in lake.rows("t")} == set(range(1, 1011))


def load(tap: str, folder: Path) -> None:
    """One run, as a shell makes it; the state that the target writes is the next run's."""
    given = ["--config", "tap.json", "--catalog", "catalog.json", "--state", "state.json"]
    sent = subprocess.run([tap, *given], cwd=folder, capture_output=True, check=False)
    assert sent.returncode == 0, sent.stderr.decode()[-3000:]
    target = [sys.executable, "-c", "from target_iceberg.cli import main; main()", "--config", "target.json"]
    done = subprocess.run(target, cwd=folder, input=sent.stdout, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    (folder / "state.json").write_bytes(done.stdout.splitlines()[-1])
