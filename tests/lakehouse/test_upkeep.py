"""Upkeep: what is old goes, what anybody can still need stays."""

from __future__ import annotations

import os
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecommerce_pipeline.lakehouse import branch, difference, files, orphans, reader, upkeep
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import LakehouseError, LeaseHeld
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.publish import publish
from tests.lakehouse.conftest import files_of
from tests.lakehouse.iceberg import versions, write

NOW = timedelta(0)


def snapshots(settings, table: str) -> list[int]:
    return [s.snapshot_id for s in open_catalog(settings).load_table(table).snapshots()]


def age(settings, days: float = 30) -> None:
    """Make every file of the warehouse look old."""
    then = time.time() - days * 86_400
    for path in files_of(settings):
        os.utime(path, (then, then))


def test_old_snapshots_go_and_the_last_ones_stay(lake_settings):
    for version in range(4):
        write(lake_settings, "core.orders", version)
    before = snapshots(lake_settings, "core.orders")
    planned = upkeep.expire(lake_settings, keep_days=0, keep_last=2, dry_run=True)
    assert snapshots(lake_settings, "core.orders") == before
    assert upkeep.expire(lake_settings, keep_days=0, keep_last=2) == planned
    assert [(str(e.name), e.dropped, e.kept) for e in planned] == [("core.orders", len(before) - 2, 2)]
    assert snapshots(lake_settings, "core.orders") == before[-2:]
    assert versions(lake_settings) == {"core.orders": 3}


def test_young_snapshots_stay_however_many(embedded):
    for version in range(4):
        write(embedded, "core.orders", version)
    assert upkeep.expire(embedded, keep_days=1, keep_last=1) == []


def test_the_snapshot_with_the_bookmark_and_the_tagged_one_stay(embedded):
    tagged = write(embedded, "raw_shop.orders", 0)
    tagged.manage_snapshots().create_tag(tagged.current_snapshot().snapshot_id, "year_end").commit()
    with_bookmark = write(embedded, "raw_shop.orders", 1, properties={"singer.commit-seq": "7"})
    for version in (2, 3):
        write(embedded, "raw_shop.orders", version)
    upkeep.expire(embedded, keep_days=0, keep_last=1)
    kept = open_catalog(embedded).load_table("raw_shop.orders")
    assert kept.snapshot_by_name("year_end") is not None
    assert with_bookmark.current_snapshot().snapshot_id in {s.snapshot_id for s in kept.snapshots()}


def test_a_sweep_deletes_what_nothing_reaches_and_says_how_much(lake_settings):
    for version in range(3):
        write(lake_settings, "core.orders", version)
    upkeep.expire(lake_settings, keep_days=0, keep_last=1)
    stray = Path(lake_settings.warehouse.removeprefix("file://"), "core", "orders", "data", "stray.parquet")
    stray.write_bytes(b"x" * 1000)
    before = files_of(lake_settings)
    planned = orphans.sweep(lake_settings, NOW, dry_run=True)
    assert files_of(lake_settings) == before
    done = orphans.sweep(lake_settings, NOW)
    assert done.files == planned.files
    assert {Path(file.path) for file in done.files} == before - files_of(lake_settings)
    assert str(stray) in {file.path for file in done.files}
    assert done.bytes > 1000
    assert versions(lake_settings) == {"core.orders": 2}


def test_young_files_are_left_alone(embedded):
    write(embedded, "core.orders", 1)
    stray = Path(embedded.warehouse.removeprefix("file://"), "core", "orders", "data", "on-its-way.parquet")
    stray.write_bytes(b"x")
    orphans.sweep(embedded)
    assert stray.exists()


def test_a_branch_keeps_what_it_reads_and_what_it_started_from(lake_settings):
    for version in range(3):
        write(lake_settings, "core.orders", version)
        write(lake_settings, "core.lines", version)
    branch.create(lake_settings, "mine")
    write(lake_settings, "core.orders", 7, "mine")
    for version in range(10, 13):
        write(lake_settings, "core.orders", version)
        write(lake_settings, "core.lines", version)
    age(lake_settings)
    upkeep.expire(lake_settings, keep_days=0, keep_last=1)
    orphans.sweep(lake_settings, NOW)
    assert versions(lake_settings) == {"core.orders": 12, "core.lines": 12}
    assert versions(lake_settings, "mine") == {"core.orders": 7, "core.lines": 2}
    [changed] = difference.differences(lake_settings, "mine")
    assert (changed.rows_before, changed.only_before, changed.values) == (3, 3, {"version": 3})
    branch.drop(lake_settings, "mine")
    swept = orphans.sweep(lake_settings, NOW)
    assert len(swept.files) > 3
    assert versions(lake_settings) == {"core.orders": 12, "core.lines": 12}


def test_a_branch_is_dropped_when_its_time_is_over_and_nobody_builds_on_it(lake_settings):
    write(lake_settings, "core.orders", 1)
    for name in ("mine", "yours"):
        branch.create(lake_settings, name)
    later = datetime.now(UTC) + branch.KEPT + timedelta(minutes=1)
    assert upkeep.drop_branches(lake_settings) == []
    with hold(lake_settings, ["branch:yours"], "a build"):
        assert [one.name for one in upkeep.drop_branches(lake_settings, later)] == ["mine"]
    assert [one.name for one in branch.list_branches(lake_settings)] == ["yours"]


def test_no_expiry_while_a_run_is_building(embedded):
    for version in range(3):
        write(embedded, "core.orders", version)
    with hold(embedded, ["branch:lake_next"], "run 1"), pytest.raises(LeaseHeld, match="run 1"):
        upkeep.expire(embedded, keep_days=0, keep_last=1)


def test_no_expiry_of_a_table_that_is_being_written(embedded):
    for version in range(3):
        write(embedded, "raw_shop.orders", version)
    with hold(embedded, ["table:raw_shop.orders"], "the target"), pytest.raises(LeaseHeld, match="the target"):
        upkeep.expire(embedded, keep_days=0, keep_last=1)


def test_a_missing_file_stops_the_sweep_before_it_deletes_anything(embedded):
    table = write(embedded, "core.orders", 1)
    write(embedded, "core.lines", 1)
    Path(table.current_snapshot().manifest_list.removeprefix("file://")).unlink()
    before = files_of(embedded)
    with pytest.raises(LakehouseError, match=r"is missing.*nothing was deleted"):
        orphans.sweep(embedded, NOW)
    assert files_of(embedded) == before


def test_two_sweeps_are_not_on_at_once_and_a_file_that_is_gone_already_is_no_error(embedded):
    table = write(embedded, "core.orders", 1)
    with hold(embedded, [orphans.FILES], "another sweep"):
        with pytest.raises(LeaseHeld, match="another sweep"):
            orphans.sweep(embedded, NOW)
        orphans.sweep(embedded, NOW, dry_run=True)
    files.delete_files(embedded, [table.metadata_location.removeprefix("file://")] * 2)


def test_a_table_removed_by_a_publication_loses_its_files_only_after_the_grace(embedded):
    write(embedded, "core.orders", 1)
    write(embedded, "growth.cohorts", 1)
    with reader.connect(embedded) as slow:
        branch.create(embedded, "lake_next")
        open_catalog(embedded, "lake_next").drop_table("growth.cohorts")
        publish(embedded, "lake_next")
        age(embedded)
        orphans.sweep(embedded, timedelta(hours=1))
        assert slow.execute("select count(*) from growth.cohorts").fetchone() == (3,)
    orphans.sweep(embedded, NOW)
    assert not [path for path in files_of(embedded) if "cohorts" in str(path)]
    assert versions(embedded) == {"core.orders": 1}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happened_before_expiry_and_sweep_break_no_reader_and_no_kept_snapshot(
    embedded, session, rebuild, seed
):
    """Any order of rebuilds, deletes, publications and drops, each followed by old age and upkeep."""
    choice = random.Random(seed)
    tables = ["core.a", "core.b"]
    with session(embedded) as connection:
        for table in tables:
            rebuild(connection, table, "select i as id, 0 as version from range(10) t(i)")
    query = "select " + ", ".join(f"(select sum(id) * 100 + sum(version) from {table})" for table in tables)
    for step in range(1, 6):
        slow = reader.connect(embedded)
        expected = None if choice.random() < 0.5 else slow.execute(query).fetchall()
        with reader.connect(embedded) as witness:
            expected = expected or witness.execute(query).fetchall()
        _live(embedded, session, rebuild, choice, tables, step)
        age(embedded)
        upkeep.expire(embedded, keep_days=0, keep_last=choice.choice([1, 2]))
        orphans.sweep(embedded, timedelta(hours=1))
        assert slow.execute(query).fetchall() == expected
        slow.close()
        for table in tables:
            opened = open_catalog(embedded).load_table(table)
            for snapshot in opened.snapshots():
                assert len(opened.scan(snapshot_id=snapshot.snapshot_id).to_arrow()) >= 0


def _live(settings, session, rebuild, choice, tables, step) -> None:
    on_branch = choice.random() < 0.7
    if on_branch:
        branch.create(settings, "lake_next")
    with session(settings, "lake_next" if on_branch else "lake") as connection:
        for table in tables:
            if choice.random() < 0.6:
                extra = choice.choice(["", ", 'x' as extra"])
                rebuild(connection, table, f"select i as id, {step} as version{extra} from range(10) t(i)")
            else:
                connection.execute(f"delete from lake.{table} where id = {step}")
    if on_branch and choice.random() < 0.7:
        publish(settings, "lake_next")
    elif on_branch:
        branch.drop(settings, "lake_next")
