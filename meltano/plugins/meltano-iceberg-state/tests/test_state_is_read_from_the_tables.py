"""Meltano's state is the tables' commit records: whatever Meltano writes, loses or is told, the tables win."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from meltano.core.error import MeltanoError
from meltano.core.state_store.base import MeltanoState
from meltano_iceberg_state.backend import IcebergStateStoreManager
from pyiceberg.catalog.sql import SqlCatalog
from target_iceberg.loader import Loader
from target_iceberg.record import BOOKMARK
from target_iceberg.settings import parse_settings

STATE_ID = "dev:tap-shop-to-target-iceberg"
PROJECT = """
project_id: state-test
send_anonymous_usage_stats: false
default_environment: dev
database_uri: sqlite:///$MELTANO_PROJECT_ROOT/meltano.db
state_backend:
  uri: iceberg://
  iceberg: {properties: $LAKE}
environments: [{name: dev}, {name: prod}]
plugins:
  extractors:
  - {name: tap-shop, namespace: tap_shop, executable: none, load_schema: raw_shop}
  - {name: tap-other, namespace: tap_other, executable: none}
  loaders:
  - {name: target-iceberg, namespace: target_iceberg, executable: none}
"""


class Lake:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        uri, warehouse = f"sqlite:///{folder}/catalog.db", f"file://{folder}/warehouse"
        self.properties = {"type": "sql", "uri": uri, "warehouse": warehouse}

    @property
    def catalog(self) -> SqlCatalog:
        return SqlCatalog("lake", **self.properties)

    def load(self, stream: str, before: object, after: object) -> None:
        claim = {"type": "STATE", "value": {"bookmarks": {stream: before} if before else {}}}
        schema = {
            "type": "SCHEMA",
            "stream": stream,
            "schema": {"properties": {"id": {"type": "integer"}}},
            "key_properties": [],
        }
        record = {"type": "RECORD", "stream": stream, "record": {"id": 1}}
        state = {"type": "STATE", "value": {"bookmarks": {stream: after}}}
        config = {"catalog_properties": self.properties, "default_target_schema": "raw_shop"}
        with Loader(parse_settings(config), print) as loader:
            loader.load(json.dumps(message).encode() + b"\n" for message in (claim, schema, record, state))


@pytest.fixture
def lake(tmp_path):
    (tmp_path / "meltano.yml").write_text(PROJECT)
    return Lake(tmp_path)


@pytest.fixture
def backend(lake):
    ids = {"tap-shop": "raw_shop", "tap-other": "tap_other"}
    made = IcebergStateStoreManager(properties=json.dumps(lake.properties))
    made._ids = SimpleNamespace(
        namespace=lambda state_id: ids.get(state_id.partition(":")[2].partition("-to-")[0]),
        namespaces=ids.values,
        all=lambda: [f"dev:{name}-to-target-iceberg" for name in ids],
    )
    return made


def bookmarks(state):
    return state.completed_state["singer_state"]["bookmarks"]


def meltano(lake, *arguments):
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(lake.folder),
        "LAKE": json.dumps(lake.properties),
        "NO_COLOR": "1",
    }
    program = [sys.executable, "-m", "meltano.cli", *arguments]
    return subprocess.run(program, cwd=lake.folder, env=environment, capture_output=True, text=True, check=False)


def test_a_run_starts_from_the_bookmarks_the_tables_hold(lake, backend):
    lake.load("shop-orders", None, {"at": 1})
    lake.load("shop-items", None, {"at": 2})
    lake.load("shop-orders", {"at": 1}, {"at": 3})
    assert bookmarks(backend.get(STATE_ID)) == {"shop-orders": {"at": 3}, "shop-items": {"at": 2}}


def test_before_the_first_commit_there_is_no_state(lake, backend):
    assert backend.get(STATE_ID) is None
    assert list(backend.get_state_ids()) == []


def test_an_extractor_that_is_unknown_has_no_state(lake, backend):
    lake.load("shop-orders", None, {"at": 1})
    assert backend.get("dev:tap-nobody-to-target-iceberg") is None
    assert backend.get("nonsense") is None


def test_only_ids_with_something_committed_are_listed(lake, backend):
    lake.load("shop-orders", None, {"at": 1})
    assert list(backend.get_state_ids()) == [STATE_ID]
    assert list(backend.get_state_ids("dev:tap-o*")) == []


def test_what_meltano_writes_never_becomes_state(lake, backend, capsys):
    lake.load("shop-orders", None, {"at": 1})
    invented = {"singer_state": {"bookmarks": {"shop-orders": {"at": 99}, "shop-new": {"at": 5}}}}
    backend.update(MeltanoState(STATE_ID, completed_state=invented))
    assert bookmarks(backend.get(STATE_ID)) == {"shop-orders": {"at": 1}}
    assert "shop-orders, shop-new are not the tables'" in capsys.readouterr().out


def test_writing_what_the_tables_hold_is_silent(lake, backend, capsys):
    lake.load("shop-orders", None, {"at": 1})
    backend.update(MeltanoState(STATE_ID, completed_state={"singer_state": {"bookmarks": {"shop-orders": {"at": 1}}}}))
    assert "are not the tables'" not in capsys.readouterr().out


def test_what_the_target_repeats_of_streams_it_has_yet_to_come_to_is_silent(lake, backend, capsys):
    lake.load("shop-orders", None, {"at": 1})
    lake.load("shop-items", None, {"at": 1})
    backend.get(STATE_ID)
    lake.load("shop-orders", {"at": 1}, {"at": 2})
    lake.load("shop-items", {"at": 1}, {"at": 2})  # before Meltano has come to what the target said after the first
    said = {"singer_state": {"bookmarks": {"shop-orders": {"at": 2}, "shop-items": {"at": 1}}}}
    backend.update(MeltanoState(STATE_ID, completed_state=said))
    assert "are not the tables'" not in capsys.readouterr().out


def test_state_cannot_be_cleared_alone(lake, backend):
    lake.load("shop-orders", None, {"at": 1})
    with pytest.raises(MeltanoError, match="cannot be cleared alone"):
        backend.clear(STATE_ID)


def test_records_that_disagree_stop_the_run_before_it_starts(lake, backend):
    lake.load("shop-orders", None, {"at": 1})
    with lake.catalog.load_table("raw_shop.orders").transaction() as edit:
        edit.set_properties({BOOKMARK: '{"at":9}'})
    with pytest.raises(MeltanoError, match=r"raw_shop\.orders.*Next:"):
        backend.get(STATE_ID)


def test_missing_properties_are_named(lake):
    backend = IcebergStateStoreManager(properties=None)
    backend._ids = SimpleNamespace(namespace=lambda _: "raw_shop")
    with pytest.raises(MeltanoError, match=r"state_backend\.iceberg\.properties is not set.*Next:"):
        backend.get(STATE_ID)


def test_the_command_line_lists_and_shows_it(lake):
    lake.load("shop-orders", None, {"at": 1})
    listed = meltano(lake, "state", "list")
    assert {"dev:tap-shop-to-target-iceberg", "prod:tap-shop-to-target-iceberg"} <= set(listed.stdout.split()), (
        listed.stderr
    )
    shown = meltano(lake, "state", "get", STATE_ID)
    assert json.loads(shown.stdout) == {"singer_state": {"bookmarks": {"shop-orders": {"at": 1}}}}, shown.stderr


def test_lost_meltano_files_change_nothing(lake):
    lake.load("shop-orders", None, {"at": 1})
    before = meltano(lake, "state", "get", STATE_ID).stdout
    (lake.folder / "meltano.db").unlink(missing_ok=True)
    assert meltano(lake, "state", "get", STATE_ID).stdout == before
    assert '"at":1' in before.replace(" ", "")


def test_reading_files_and_reading_through_pyiceberg_tell_the_same(lake, backend):
    lake.load("shop-orders", None, {"at": 1})
    lake.load("shop-items", None, {"at": [2, "ü"]})
    table = lake.catalog.load_table("raw_shop.items")
    table.overwrite(table.scan().to_arrow())
    reader = backend._bookmarks
    settings = reader._settings()
    by_files = sorted(reader._local_records(settings, "raw_shop"), key=str)
    assert by_files == sorted(reader._records(settings, "raw_shop"), key=str)
    assert len(by_files) == 2


def test_a_metadata_file_that_is_gone_is_named(lake, backend):
    lake.load("shop-orders", None, {"at": 1})
    path = Path(lake.catalog.load_table("raw_shop.orders").metadata_location.removeprefix("file://"))
    path.unlink()
    with pytest.raises(MeltanoError, match=r"raw_shop\.orders: its metadata file .* cannot be read.*Next:"):
        backend.get(STATE_ID)
