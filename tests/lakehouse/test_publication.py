"""Publication: everything a branch changed, or nothing, and never over somebody else's change."""

from __future__ import annotations

import threading
import time

import pytest

from ecommerce_pipeline.lakehouse import branch, database, pointers, reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import BranchError, PublicationConflict
from ecommerce_pipeline.lakehouse.publish import publish
from tests.lakehouse.iceberg import versions, write

TABLES = ("core.orders", "finance.revenue", "growth.cohorts")


@pytest.fixture
def lake(lake_settings):
    for table in TABLES:
        write(lake_settings, table, 1)
    branch.create(lake_settings, "lake_next")
    return lake_settings


def test_changed_new_and_removed_tables_are_published_together(lake):
    write(lake, "core.orders", 2, "lake_next")
    write(lake, "ml.features", 2, "lake_next")
    open_catalog(lake, "lake_next").drop_table("growth.cohorts")
    publication = publish(lake, "lake_next")
    assert versions(lake) == {"core.orders": 2, "finance.revenue": 1, "ml.features": 2}
    changes = {kind: [str(t.name) for t in getattr(publication, kind)] for kind in ("changed", "created", "removed")}
    assert changes == {"changed": ["core.orders"], "created": ["ml.features"], "removed": ["growth.cohorts"]}
    assert branch.list_branches(lake) == []


def test_the_report_carries_pointers_snapshot_rows_and_bytes(lake):
    before = open_catalog(lake).load_table("core.orders")
    after = write(lake, "core.orders", 2, "lake_next")
    (table,) = publish(lake, "lake_next").tables
    assert (table.base_location, table.location) == (before.metadata_location, after.metadata_location)
    assert table.contents.snapshot_id == after.current_snapshot().snapshot_id
    assert (table.contents.rows, table.contents.files) == (3, 1)
    assert table.contents.bytes == next(iter(after.scan().plan_files())).file.file_size_in_bytes


def test_a_published_table_keeps_its_history_and_can_be_written_on(lake):
    first = open_catalog(lake).load_table("core.orders").current_snapshot().snapshot_id
    write(lake, "core.orders", 2, "lake_next")
    write(lake, "core.orders", 3, "lake_next")
    publish(lake, "lake_next")
    table = open_catalog(lake).load_table("core.orders")
    assert table.scan(snapshot_id=first).to_arrow().column("version").to_pylist() == [1, 1, 1]
    write(lake, "core.orders", 4)
    assert versions(lake)["core.orders"] == 4


def test_a_change_in_production_meanwhile_stops_the_whole_publication(lake):
    write(lake, "core.orders", 2, "lake_next")
    write(lake, "finance.revenue", 2, "lake_next")
    write(lake, "finance.revenue", 7)
    with pytest.raises(PublicationConflict, match=r"finance\.revenue.*branch drop lake_next"):
        publish(lake, "lake_next")
    assert versions(lake) == {"core.orders": 1, "finance.revenue": 7, "growth.cohorts": 1}
    assert versions(lake, "lake_next")["core.orders"] == 2


def test_a_table_removed_here_and_changed_there_stops_it_too(lake):
    open_catalog(lake, "lake_next").drop_table("growth.cohorts")
    write(lake, "growth.cohorts", 7)
    with pytest.raises(PublicationConflict, match=r"growth\.cohorts"):
        publish(lake, "lake_next")
    assert versions(lake)["growth.cohorts"] == 7


def test_a_table_created_on_both_sides_stops_it_too(lake):
    write(lake, "ml.features", 2, "lake_next")
    write(lake, "ml.features", 7)
    with pytest.raises(PublicationConflict, match=r"ml\.features"):
        publish(lake, "lake_next")
    assert versions(lake)["ml.features"] == 7


def test_production_may_change_what_the_branch_left_alone(lake):
    write(lake, "core.orders", 2, "lake_next")
    write(lake, "finance.revenue", 7)
    publish(lake, "lake_next")
    assert versions(lake) == {"core.orders": 2, "finance.revenue": 7, "growth.cohorts": 1}


def test_what_dbt_left_half_built_is_not_published(lake):
    write(lake, "core.orders__dbt_tmp", 2, "lake_next")
    assert publish(lake, "lake_next").tables == ()
    assert set(versions(lake)) == set(TABLES)


def test_a_branch_that_is_not_there_is_not_published(lake):
    with pytest.raises(BranchError, match="no branch 'other'"):
        publish(lake, "other")


def test_of_two_branches_that_changed_a_table_one_is_published(lake):
    branch.create(lake, "rival")
    for name, version in (("lake_next", 2), ("rival", 3)):
        for table in TABLES:
            write(lake, table, version, name)
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def run(name: str) -> None:
        start.wait()
        try:
            publish(lake, name)
            outcomes.append(name)
        except PublicationConflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=run, args=(name,)) for name in ("lake_next", "rival")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = set(outcomes) - {"conflict"}
    assert len(outcomes) == 2
    assert set(versions(lake).values()) == {2 if winner == "lake_next" else 3}


def test_a_reader_in_a_loop_sees_one_publication_at_a_time_whole(embedded):
    versions_there = range(5)
    built = [
        {table: write(embedded, table, version).metadata_location for table in TABLES} for version in versions_there
    ]
    query = "select " + ", ".join(f"(select count(*) * 1000 + min(version) from {table})" for table in TABLES)
    seen: list[tuple[int, ...]] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                with reader.connect(embedded) as connection:
                    seen.append(connection.execute(query).fetchone())
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(50):
        branch.create(embedded, "lake_next")
        with database.transaction(embedded) as connection:
            for name, pointer in pointers.read_all(connection, "lake_next").items():
                wanted = built[number % len(versions_there)][str(name)]
                assert pointers.move(connection, "lake_next", name, pointer.location, wanted)
        assert len(publish(embedded, "lake_next").changed) == len(TABLES)
        time.sleep(0.03)
    done.set()
    thread.join()
    assert failures == []
    assert len(seen) > 10
    assert len(set(seen)) > 1
    assert set(seen) <= {(3000 + version,) * len(TABLES) for version in versions_there}


def test_an_open_reader_keeps_its_moment(embedded):
    write(embedded, "core.orders", 1)
    with reader.connect(embedded) as before:
        branch.create(embedded, "lake_next")
        write(embedded, "core.orders", 2, "lake_next")
        write(embedded, "ml.features", 2, "lake_next")
        publish(embedded, "lake_next")
        assert before.execute("select distinct version from core.orders").fetchall() == [(1,)]
        with pytest.raises(Exception, match="features"):
            before.execute("from ml.features")
    with reader.connect(embedded) as after:
        assert after.execute(
            "select distinct version from core.orders join ml.features using (version)"
        ).fetchall() == [(2,)]
