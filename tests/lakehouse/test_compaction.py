"""Compaction: fewer files, the same rows, and nobody is disturbed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DecimalType, LongType, NestedField

from ecommerce_pipeline.lakehouse import branch, difference, orphans, reader, upkeep
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.compaction import Policy
from ecommerce_pipeline.lakehouse.errors import LeaseHeld
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.pointers import Name
from tests.lakehouse.iceberg import write

TABLE = "raw_shop.orders"
RECORD = {"singer.commit-seq": "12", "singer.bookmark": '{"at":"2017-12-15"}'}
SCHEMA = Schema(
    NestedField(1, "day", LongType()), NestedField(2, "seq", LongType()), NestedField(3, "total", DecimalType(12, 2))
)
BY_DAY = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "day"))
OF_FOUR = {Name("raw_shop", "orders"): Policy(min_files=4)}


def loaded(settings, commits: int = 12, days: int = 2, **layout):
    """A table as loads leave it: a file a commit and day, a bookmark in the last."""
    with open_catalog(settings) as catalog:
        catalog.create_namespace_if_not_exists("raw_shop")
        table = catalog.create_table(TABLE, SCHEMA, **layout)
        for seq in reversed(range(commits)):
            row = {"day": seq % days, "seq": seq, "total": Decimal(f"{seq}.10")}
            rows = pa.Table.from_pylist([row], schema=table.schema().as_arrow())
            table.append(rows, snapshot_properties=RECORD if seq == 0 else {})
        return table


def rows_of(settings) -> list[tuple]:
    with reader.connect(settings) as connection:
        return connection.execute(f"select * from {TABLE} order by seq").fetchall()


def files(settings) -> list:
    return [task.file for task in open_catalog(settings).load_table(TABLE).scan().plan_files()]


def test_small_files_become_one_a_partition_with_the_same_rows_and_types(embedded):
    loaded(embedded, partition_spec=BY_DAY)
    before = rows_of(embedded)
    planned = upkeep.compact(embedded, dry_run=True)
    assert len(files(embedded)) == 12
    assert upkeep.compact(embedded) == planned == [(Name("raw_shop", "orders"), 12, 2)]
    assert sorted((file.partition[0], file.record_count) for file in files(embedded)) == [(0, 6), (1, 6)]
    assert rows_of(embedded) == before
    assert upkeep.compact(embedded) == []


def test_the_rows_stand_in_the_tables_order_or_in_the_policys(embedded):
    loaded(embedded, days=12, sort_order=SortOrder(SortField(2, IdentityTransform())))
    upkeep.compact(embedded)
    rows = open_catalog(embedded).load_table(TABLE).scan().to_arrow()
    assert rows.column("seq").to_pylist() == list(range(12))
    for seq in range(20, 24):
        open_catalog(embedded).load_table(TABLE).append(rows.slice(seq - 20, 1))
    upkeep.compact(embedded, {Name("raw_shop", "orders"): Policy(min_files=4, sort_by=("day", "seq"))})
    days = open_catalog(embedded).load_table(TABLE).scan().to_arrow().column("day").to_pylist()
    assert days == sorted(days)


def test_few_files_and_large_ones_are_left_alone(embedded):
    loaded(embedded, commits=3)
    assert upkeep.compact(embedded) == []
    assert upkeep.compact(embedded, {Name("raw_shop", "orders"): Policy(min_files=2, small_mb=0)}) == []


def test_a_bookmark_stands_through_compaction_and_expiry(embedded):
    loaded(embedded)
    upkeep.compact(embedded)
    upkeep.expire(embedded, keep_days=0, keep_last=1)
    kept = open_catalog(embedded).load_table(TABLE).snapshots()
    found = [s.summary.additional_properties.get("singer.commit-seq") for s in kept if s.summary]
    assert [seq for seq in found if seq] == ["12"]


def test_readers_branches_and_writers_are_not_disturbed(lake_settings):
    loaded(lake_settings)
    before = rows_of(lake_settings)
    branch.create(lake_settings, "mine")
    write(lake_settings, "core.orders", 1, "mine")
    with reader.connect(lake_settings) as slow:
        upkeep.compact(lake_settings, OF_FOUR)
        late = open_catalog(lake_settings).load_table(TABLE)
        late.append(late.scan().to_arrow().slice(0, 1))
        upkeep.expire(lake_settings, keep_days=0, keep_last=1)
        orphans.sweep(lake_settings, timedelta(hours=1))
        assert slow.execute(f"select * from {TABLE} order by seq").fetchall() == before
    orphans.sweep(lake_settings, timedelta(0))
    assert len(open_catalog(lake_settings, "mine").load_table(TABLE).scan().to_arrow()) == 12
    assert [str(one.name) for one in difference.differences(lake_settings, "mine")] == ["core.orders"]
    assert len(rows_of(lake_settings)) == 13


def test_a_table_that_is_being_written_is_left_and_a_run_refuses_all(embedded):
    loaded(embedded)
    with hold(embedded, [f"table:{TABLE}"], "the target"):
        assert upkeep.compact(embedded) == []
    with hold(embedded, ["branch:lake_next"], "run 1"), pytest.raises(LeaseHeld, match="run 1"):
        upkeep.compact(embedded)
    assert len(files(embedded)) == 12


def test_a_file_with_deleted_rows_keeps_them_deleted(embedded, session):
    loaded(embedded, commits=6, days=1)
    with session(embedded) as connection:
        connection.execute(f"delete from lake.{TABLE} where seq = 3")
    before = rows_of(embedded)
    upkeep.compact(embedded, OF_FOUR)
    assert rows_of(embedded) == before
    assert len(before) == 5
