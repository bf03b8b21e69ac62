"""Partitions, sort order and properties are settings of a stream; every row stays where readers find it."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq
import pytest
from pyiceberg.expressions import EqualTo
from target_iceberg import partitioned
from target_iceberg.errors import LoadError

COLUMNS = {
    "order_id": {"type": "integer"},
    "ordered_at": {"type": ["null", "string"], "x-iceberg-type": "timestamp"},
    "country": {"type": ["null", "string"]},
}
EVERY_TRANSFORM = ["month(ordered_at)", "bucket(order_id, 4)", "truncate(country, 1)"]


def layout(**entry):
    return {"streams": [{"name": "shop-orders", **entry}]}


def run(singer, ids, before, after):
    claim = singer.start({} if before is None else {"shop-orders": {"at": before}})
    rows = [
        singer.record(i, ordered_at=f"2017-{1 + i % 12:02}-03T00:00:00" if i % 5 else None, country=("DE", "FR")[i % 2])
        for i in ids
    ]
    return [claim, singer.schema(**COLUMNS), *rows, singer.state(after)]


def table(lake):
    return lake.catalog.load_table("raw_shop.orders")


def files(lake):
    return [task.file for task in table(lake).scan().plan_files()]


def test_rows_go_into_the_files_of_their_partition_and_all_are_found(lake, singer):
    lake.load(run(singer, range(60), None, 1), buffer_rows=20, **layout(partition_by=EVERY_TRANSFORM))
    assert [str(field.transform) for field in table(lake).spec().fields] == ["month", "bucket[4]", "truncate[1]"]
    assert sorted(lake.ids()) == list(range(60))
    found = table(lake).scan(row_filter=EqualTo("country", "DE")).to_arrow()["order_id"].to_pylist()
    assert sorted(found) == list(range(0, 60, 2))
    only = [task.file for task in table(lake).scan(row_filter=EqualTo("country", "DE")).plan_files()]
    assert {file.partition[2] for file in only} == {"D"}
    assert any(file.partition[0] is None for file in files(lake))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("long", [7, -1]),
        ("boolean", [True, False]),
        ("date", ["1969-12-31", "9999-12-31"]),
        ("timestamp", ["1969-12-31T23:59:59.999999", "2017-01-01T00:00:00"]),
        ("timestamptz", ["1969-12-31T23:59:59Z", "2017-01-01T00:00:00+02:00"]),
        ("time", ["00:00:00", "23:59:59.999999"]),
        ("decimal(38,9)", [-0.5, 12.25]),
        ("string", ["a/b=c", "ü 100%"]),
    ],
)
def test_a_column_of_any_type_can_be_the_partition(lake, singer, kind, values):
    columns = {"order_id": {"type": "integer"}, "at": {"type": ["null", "string"], "x-iceberg-type": kind}}
    rows = [singer.record(number, at=value) for number, value in enumerate([*values, None, values[0]])]
    messages = [singer.start(), singer.schema(**columns), *rows, singer.state(1)]
    lake.load(messages, **layout(partition_by=["at"]))
    assert len(files(lake)) == 3
    plain = [line if not isinstance(line, dict) else line | {"stream": "shop-plain"} for line in messages[:-1]]
    lake.load([*plain, singer.state(1, "shop-plain")])
    found, expected = lake.rows(), lake.rows("raw_shop.plain")
    assert [(row["order_id"], row["at"]) for row in found] == [(row["order_id"], row["at"]) for row in expected]
    kept = table(lake).scan(row_filter=EqualTo("order_id", 1)).to_arrow()
    assert kept["at"].to_pylist() == [expected[1]["at"]]


def test_many_partitions_need_few_open_files_and_little_memory(lake, singer, monkeypatch):
    monkeypatch.setattr(partitioned, "OPEN_FILES", 3)
    monkeypatch.setattr(partitioned, "PENDING_ROWS", 10)
    lake.load(run(singer, range(200), None, 1), buffer_rows=30, **layout(partition_by=["bucket(order_id, 16)"]))
    assert sorted(lake.ids()) == list(range(200))
    assert {file.partition[0] for file in files(lake)} == set(range(16))


def test_a_table_that_is_there_is_partitioned_from_the_next_commit_on(lake, singer):
    lake.load(run(singer, [1, 2], None, 1))
    lake.load(run(singer, [3, 4], 1, 2), **layout(partition_by=["country"]))
    lake.load(run(singer, [5, 6], 2, 3), **layout(partition_by=["month(ordered_at)"]))
    lake.load(run(singer, [7, 8], 3, 4))  # without a setting it stays as it is
    lake.load(run(singer, [9], 4, 5), **layout(partition_by=[]))
    assert lake.ids() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert Counter(len(file.partition) for file in files(lake)) == {0: 2, 1: 6}


def test_a_full_refresh_replaces_files_of_every_layout_at_once(lake, singer):
    lake.load(run(singer, [1, 2], None, 1))
    lake.load(run(singer, [3, 4], 1, 2), **layout(partition_by=["month(ordered_at)"]))
    lake.load(run(singer, [5, 6], None, 3), full_refresh=True, **layout(partition_by=["country"]))
    assert lake.ids() == [5, 6]


def test_upserts_find_their_keys_in_every_partition(lake, singer):
    settings = layout(partition_by=["month(ordered_at)"], mode="upsert")
    lake.load(run(singer, range(1, 20), None, 1), **settings)
    lake.load(run(singer, [*range(5, 9), 30], 1, 2), **settings)
    assert sorted(lake.ids()) == [*range(1, 20), 30]


def test_a_run_without_a_last_state_leaves_no_file_of_any_partition(lake, singer):
    lake.load(run(singer, range(40), None, 1)[:-1], buffer_rows=10, **layout(partition_by=["country"]))
    assert lake.ids() == []
    assert lake.data_files() == set()


def test_row_groups_are_sorted_as_the_table_says(lake, singer):
    lake.load(run(singer, [3, 1, 4, 2, 6], None, 1), **layout(sort_by=["country desc", "order_id"]))
    order = table(lake).sort_order()
    assert [str(field.direction) for field in order.fields] == ["DESC", "ASC"]
    (path,) = lake.data_files()
    assert pq.read_table(path)["order_id"].to_pylist() == [1, 3, 2, 4, 6]
    assert [row["_sdc_sequence"] for row in lake.rows()] == [0, 1, 2, 3, 4]  # as they came, whatever the file's order


def test_properties_are_the_tables_from_the_next_commit_on(lake, singer):
    lake.load(run(singer, [1], None, 1), **layout(properties={"write.parquet.compression-codec": "snappy"}))
    (path,) = lake.data_files()
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "SNAPPY"
    lake.load(run(singer, [2], 1, 2), **layout(properties={"history.expire.min-snapshots-to-keep": 9}))
    held = table(lake).properties
    assert (held["history.expire.min-snapshots-to-keep"], held["write.parquet.compression-codec"]) == ("9", "snappy")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"partition_by": ["month(country)"]}, "month cannot transform string"),
        ({"partition_by": ["week(ordered_at)"]}, r"'week\(ordered_at\)' is none of column, year\(column\)"),
        ({"partition_by": ["bucket(order_id)"]}, "is none of"),
        ({"partition_by": ["region"]}, "region"),
        ({"partition_by": ["country", "truncate(country, 1)"]}, "names country twice"),
        ({"sort_by": ["region"]}, "region"),
        ({"sort_by": ["country upwards"]}, "neither a column nor a column with desc"),
        ({"properties": {"singer.bookmark": "1"}}, r"singer\.bookmark is the loader's own"),
        ({"properties": {"commit.retry.num-retries": 4}}, "the loader's own"),
        ({"mode": "merge"}, r"streams\[0\]\.mode|\$\.streams\[\.\.\.\]\.mode"),
        ({"partitions": []}, "partitions"),
    ],
)
def test_a_setting_that_the_table_does_not_allow_stops_the_run_before_a_row_is_written(lake, singer, entry, said):
    lake.load(run(singer, [1], None, 1))
    before = lake.data_files()
    with pytest.raises(LoadError, match=said) as stopped:
        lake.load(run(singer, [2], 1, 2), **layout(**entry))
    assert "Next:" in str(stopped.value)
    assert lake.data_files() == before
    assert lake.ids() == [1]


def test_the_first_entry_that_fits_a_stream_counts(lake, singer):
    entries = [{"name": "shop-*", "partition_by": ["country"]}, {"name": "shop-orders", "partition_by": []}]
    lake.load(run(singer, [1], None, 1), streams=entries)
    assert len(table(lake).spec().fields) == 1
