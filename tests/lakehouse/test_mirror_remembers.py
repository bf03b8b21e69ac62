"""The sweep spares what another catalog points at, however its last talk with the lake ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from ecommerce_pipeline.lakehouse import mirror, upkeep
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import LeaseHeld, MirrorRefused
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.mirror.foreign import Foreign
from ecommerce_pipeline.lakehouse.orphans import sweep
from ecommerce_pipeline.lakehouse.rest_door import routes, serve, tables
from ecommerce_pipeline.lakehouse.rest_door.shelf import ReadOnlyShelf
from tests.lakehouse.conftest import files_of
from tests.lakehouse.iceberg import write

TABLES = ("finance.days", "finance.months")
NOW = timedelta(0)


@pytest.fixture
def elsewhere(embedded, tmp_path):
    """A catalog with a database of its own that knows the lake's tables, and writes its metadata beside theirs."""
    there = SqlCatalog("there", uri=f"sqlite:///{tmp_path}/there.db", warehouse=embedded.warehouse)
    there.create_namespace("finance")
    for table in TABLES:
        there.register_table(table, write(embedded, table, 1).metadata_location)
    yield there
    there.close()


@pytest.fixture
def lake(embedded, elsewhere):
    """The lake whose settings name that catalog."""
    with serve(elsewhere) as door:
        yield embedded.model_copy(update={"mirror_uri": door.url})


def table_by_table(monkeypatch, refused: list[str]) -> None:
    """The catalog has no transaction over several tables, and refuses what is in the list."""

    def commit(shelf, request):
        if request.path["table"] in refused:
            raise ReadOnlyShelf("that one is not yours")
        return tables.commit_table(shelf, request)

    known = ((m, p, commit if e is tables.commit_table else e) for m, p, e in routes._ROUTES)
    monkeypatch.setattr(routes, "_ROUTES", tuple(one for one in known if one[2] is not tables.commit_transaction))


def follow_and_die(settings, monkeypatch) -> None:
    """Production goes on to version 2, and who tells the other catalog dies when that has just taken it."""
    commit = Foreign.commit

    def killed(*given):
        commit(*given)
        raise KeyboardInterrupt

    for table in TABLES:
        write(settings, table, 2)
    with monkeypatch.context() as patch:
        patch.setattr(Foreign, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            mirror.follow(settings)


def versions(catalog) -> list[int]:
    return [max(catalog.load_table(table).scan().to_arrow()["version"].to_pylist()) for table in TABLES]


def stray(settings) -> Path:
    """A file that nothing reaches."""
    file = Path(settings.warehouse.removeprefix("file://"), "finance", "days", "data", "stray.parquet")
    file.write_bytes(b"x")
    return file


def test_tables_that_landed_before_one_was_refused_stay_readable_there(lake, elsewhere, monkeypatch):
    refused = ["months"]
    table_by_table(monkeypatch, refused)
    for version in (2, 3):
        for table in TABLES:
            write(lake, table, version)
        with pytest.raises(MirrorRefused, match=r"finance\.months: 403 .*not yours"):
            mirror.follow(lake)
        sweep(lake, NOW)
        assert versions(elsewhere) == [version, 1]
    refused.clear()
    mirror.follow(lake)
    assert versions(elsewhere) == [3, 3]
    lost = stray(lake)
    sweep(lake, NOW)
    assert not lost.exists()


def test_a_crash_after_the_commit_there_costs_no_file_and_the_next_call_goes_on(lake, elsewhere, monkeypatch):
    follow_and_die(lake, monkeypatch)
    lost = stray(lake)
    there = {elsewhere.load_table(table).metadata_location for table in TABLES}
    sweep(lake, NOW)
    assert versions(elsewhere) == [2, 2]
    assert {path.removeprefix("file://") for path in there} <= {str(path) for path in files_of(lake)}
    assert [one.deed for one in mirror.follow(lake)] == ["as it was", "as it was"]
    sweep(lake, NOW)
    assert versions(elsewhere) == [2, 2]
    assert not lost.exists()


def test_production_that_expired_after_a_crash_is_still_readable_there(lake, elsewhere, monkeypatch):
    follow_and_die(lake, monkeypatch)
    for table in TABLES:
        write(lake, table, 3)
    upkeep.expire(lake, keep_days=0, keep_last=1)
    sweep(lake, NOW)
    assert versions(elsewhere) == [2, 2]
    with open_catalog(lake) as ours:
        assert versions(ours) == [3, 3]


def test_two_that_tell_it_wait_for_one_another(lake, monkeypatch):
    monkeypatch.setattr(mirror, "WAIT_SECONDS", 0)
    with hold(lake, [mirror.LEASE], "another run's end"), pytest.raises(LeaseHeld, match="another run's end"):
        mirror.follow(lake)
    assert len(mirror.follow(lake)) == 2
