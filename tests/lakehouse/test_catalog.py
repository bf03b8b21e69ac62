"""Opening the lake: what is wrong is said once, clearly, with the next step."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys

import pytest
from pydantic import SecretStr

from ecommerce_pipeline.lakehouse import database, reader
from ecommerce_pipeline.lakehouse.catalog import catalog_properties, open_catalog
from ecommerce_pipeline.lakehouse.errors import BranchError, CatalogUnreadable, WarehouseMoved
from ecommerce_pipeline.settings import Settings
from tests.lakehouse.iceberg import versions, write


def test_the_first_opening_makes_everything(embedded):
    assert open_catalog(embedded).list_namespaces() == []
    with sqlite3.connect(embedded.lake_dir / "catalog.db") as file:
        assert file.execute("pragma journal_mode").fetchone() == ("wal",)


def test_a_catalog_file_that_is_no_database_is_named_and_left_as_it_is(embedded):
    file = embedded.lake_dir / "catalog.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(CatalogUnreadable, match=r"catalog\.db.*not a database.*Next:"):
        open_catalog(embedded)
    assert file.read_bytes().startswith(b"this is not")


def test_an_unreachable_catalog_server_is_named_without_its_password(tmp_path):
    address = SecretStr("postgresql+psycopg://lake:hunter2@127.0.0.1:9/catalog")
    with pytest.raises(CatalogUnreadable, match=r"127\.0\.0\.1:9/catalog") as refusal:
        open_catalog(Settings(_env_file=None, home=tmp_path, lake_catalog_uri=address))
    assert "hunter2" not in str(refusal.value)


def test_a_moved_clone_is_told_where_its_tables_were_written(embedded, tmp_path):
    write(embedded, "core.orders", 1)
    database.forget(embedded)
    moved = Settings(_env_file=None, home=tmp_path / "elsewhere")
    shutil.move(embedded.home, moved.home)
    for act in (open_catalog, reader.connect):
        with pytest.raises(WarehouseMoved, match=f"{embedded.warehouse}.*{moved.warehouse}.*Next:"):
            act(moved)
    database.forget(moved)


def test_a_lake_without_tables_may_settle_anywhere(embedded, tmp_path):
    open_catalog(embedded)
    database.forget(embedded)
    moved = Settings(_env_file=None, home=tmp_path / "elsewhere")
    shutil.move(embedded.home, moved.home)
    write(moved, "core.orders", 1)
    assert versions(moved) == {"core.orders": 1}
    database.forget(moved)


def test_an_unknown_branch_is_named_with_those_there_are(embedded):
    with pytest.raises(BranchError, match=r"no branch 'nope'.*there are: lake"):
        open_catalog(embedded, "nope")


def test_several_processes_may_make_the_lake_at_once(lake_settings):
    address = lake_settings.lake_catalog_uri.get_secret_value()
    program = (
        "from pathlib import Path\nfrom ecommerce_pipeline.settings import Settings\n"
        "from ecommerce_pipeline.lakehouse.catalog import open_catalog\n"
        f"settings = Settings(_env_file=None, home=Path({str(lake_settings.home)!r}), lake_catalog_uri={address!r})\n"
        "open_catalog(settings)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert open_catalog(lake_settings).list_namespaces() == []


def test_the_properties_open_the_same_catalog_in_another_process(embedded):
    from pyiceberg.catalog import load_catalog

    write(embedded, "core.orders", 1)
    other = load_catalog("lake", **catalog_properties(embedded))
    assert len(other.load_table("core.orders").scan().to_arrow()) == 3
