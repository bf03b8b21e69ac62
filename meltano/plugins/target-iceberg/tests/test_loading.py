"""What is loaded is what was sent: types, order, the loader's columns, one snapshot a run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlparse

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from target_iceberg import commit, data_files
from target_iceberg.errors import LoadError


def test_records_become_rows_with_their_declared_types(lake, singer):
    columns = {
        "order_id": {"type": ["null", "integer"], "x-iceberg-type": "int"},
        "total": {"type": ["null", "number"], "x-iceberg-type": "decimal(20,4)"},
        "placed_at": {"type": ["null", "string"], "format": "date-time", "x-iceberg-type": "timestamp"},
        "seen_at": {"type": ["null", "string"], "format": "date-time"},
        "day": {"type": ["null", "string"], "format": "date"},
        "paid": {"type": ["null", "boolean"]},
        "weight": {"type": ["null", "number"]},
        "context": {"type": ["null", "object"]},
        "mixed": {"type": ["string", "object", "null"]},
        "address": {
            "type": ["null", "object"],
            "x-iceberg-type": "struct",
            "properties": {"city": {"type": "string"}, "since": {"type": "string", "format": "date"}},
        },
        "scores": {"type": ["null", "array"], "x-iceberg-type": "list", "items": {"type": "integer"}},
    }
    values = {
        "total": 9007199254740993.0001,
        "placed_at": "2017-12-15T14:05:11.123456+01:00",
        "seen_at": "2017-12-15T13:05:11Z",
        "day": "2017-12-15",
        "paid": True,
        "weight": 1,
        "context": {"b": [1, 2.50], "a": None},
        "mixed": "text",
        "address": {"city": "Oslo", "since": "2001-02-03"},
        "scores": [3, 1],
    }
    exact = (
        b'{"type":"RECORD","stream":"shop-orders","record":'
        b'{"order_id":2,"total":9007199254740993.0001,"context":{"z":1.50}}}\n'
    )
    lake.load([singer.start(), singer.schema(**columns), singer.record(1, **values), exact, singer.state(1)])
    first, second = lake.rows()
    assert first["placed_at"] == datetime.fromisoformat("2017-12-15T13:05:11.123456")
    assert first["seen_at"] == datetime(2017, 12, 15, 13, 5, 11, tzinfo=UTC)
    assert first["day"] == date(2017, 12, 15)
    assert (first["paid"], first["weight"], first["mixed"]) == (True, 1.0, '"text"')
    assert first["address"] == {"city": "Oslo", "since": date(2001, 2, 3)}
    assert first["scores"] == [3, 1]
    assert second["total"] == Decimal("9007199254740993.0001"), "a float on the way would have cost the last digits"
    assert second["context"] == '{"z":1.50}', "JSON text is kept as it was sent"
    kinds = {field.name: str(field.field_type) for field in lake.catalog.load_table("raw_shop.orders").schema().fields}
    assert kinds["order_id"] == "int"
    assert kinds["total"] == "decimal(20, 4)"
    assert kinds["placed_at"] == "timestamp"
    assert kinds["seen_at"] == "timestamptz"


def test_rows_are_numbered_by_commit_and_by_order_within_it(lake, singer):
    lake.load(singer.run([5, 3, 9], None, 1), run_id="first")
    lake.load(singer.run([4], 1, 2), run_id="second")
    stamped = [(r["order_id"], r["_sdc_commit_seq"], r["_sdc_sequence"], r["_sdc_run_id"]) for r in lake.rows()]
    assert stamped == [(5, 1, 0, "first"), (3, 1, 1, "first"), (9, 1, 2, "first"), (4, 2, 0, "second")]


def test_extraction_time_is_the_taps_if_it_says_so(lake, singer):
    told = {**singer.record(1), "time_extracted": "2020-01-02T03:04:05Z"}
    before = datetime.now(UTC).replace(tzinfo=None)
    lake.load([singer.start(), singer.schema(), told, singer.record(2), singer.state(1)])
    first, second = lake.rows()
    assert first["_sdc_extracted_at"] == datetime.fromisoformat("2020-01-02T03:04:05")
    assert second["_sdc_extracted_at"] >= before
    assert first["_sdc_batched_at"] >= before
    assert first["_sdc_deleted_at"] is None


def test_a_run_makes_one_snapshot_a_stream_however_many_states_and_buffers(lake, singer):
    messages = [singer.start(), singer.schema()]
    for number in range(100):
        messages.append(singer.record(number))
        if number % 7 == 0:
            messages.append(singer.state(number))
    lake.load([*messages, singer.state(100)], buffer_rows=9, file_rows=40)
    assert lake.ids() == list(range(100))
    assert lake.snapshots() == 1


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_batch_files_are_loaded_exactly_and_deleted(lake, singer, tmp_path, form):
    path = tmp_path / "stage" / "run-1" / f"a.{form}"
    path.parent.mkdir(parents=True)
    totals = pa.array([Decimal("1.10"), None], pa.decimal128(12, 2))
    rows = pa.table({"order_id": [1, 2], "total": totals, "status": ["paid", None]})
    if form == "parquet":
        pq.write_table(rows, path)
    else:
        with pa.ipc.new_file(str(path), rows.schema) as file:
            file.write_table(rows)
    batch = {
        "type": "BATCH",
        "stream": "shop-orders",
        "encoding": {"format": form},
        "manifest": [path.as_uri()],
        "time_extracted": "2020-01-02T03:04:05+00:00",
    }
    lake.load([singer.start(), singer.schema(), batch, singer.state(1)])
    assert [(r["order_id"], r["total"], r["status"]) for r in lake.rows()] == [
        (1, Decimal("1.10"), "paid"),
        (2, None, None),
    ]
    assert lake.rows()[0]["_sdc_extracted_at"] == datetime.fromisoformat("2020-01-02T03:04:05")
    assert not path.parent.exists()


@pytest.mark.parametrize("content", [b"", b"ARROW1 cut off", b"neither"])
def test_a_batch_file_that_is_cut_off_stops_the_run_with_the_next_step(lake, singer, tmp_path, content):
    path = tmp_path / "a.arrow"
    path.write_bytes(content)
    batch = {"type": "BATCH", "stream": "shop-orders", "encoding": {"format": "arrow"}, "manifest": [path.as_uri()]}
    with pytest.raises(LoadError, match=r"a\.arrow cannot be read: .*Next: run again"):
        lake.load([singer.start(), singer.schema(), batch, singer.state(1)])
    assert lake.ids() == []


def test_nothing_new_commits_nothing(lake, singer):
    lake.load(singer.run([1], None, 1))
    location = lake.catalog.load_table("raw_shop.orders").metadata_location
    lake.load(singer.run([], 1, 1))
    assert lake.catalog.load_table("raw_shop.orders").metadata_location == location


def test_a_bookmark_that_moves_without_rows_is_committed(lake, singer):
    lake.load(singer.run([1], None, 1))
    lake.load(singer.run([], 1, 2))
    lake.load(singer.run([2], 2, 3))
    assert lake.ids() == [1, 2]


def test_an_empty_stream_makes_an_empty_table(lake, singer):
    lake.load([singer.start(), singer.schema(), singer.start()])
    assert lake.rows() == []
    assert lake.snapshots() == 0


def test_rows_after_the_last_state_are_left_for_the_next_run(lake, singer):
    died = [*singer.run([1, 2], None, 1), singer.record(3), singer.record(4)]
    lake.load(died, buffer_rows=1)
    assert lake.ids() == [1, 2]
    lake.load(singer.run([3, 4], 1, 2))
    assert lake.ids() == [1, 2, 3, 4]


def test_streams_before_the_one_that_died_are_committed_and_the_dying_one_is_not(lake, singer):
    second = singer.schema("shop-payments", keys=["order_id"])
    cut = b'{"type":"RECORD","stream":"shop-payments","record":{"order_id":2,"tot'
    lake.load([*singer.run([1], None, 1), second, singer.record(1, "shop-payments"), cut])
    assert lake.ids() == [1]
    assert lake.rows("raw_shop.payments") == []
    assert lake.emitted == [{"bookmarks": {"shop-orders": {"at": 1}}}]


def test_a_stock_tap_that_sends_no_state_is_loaded_at_the_end(lake, singer):
    lake.load([singer.schema(), singer.record(1)])
    lake.load([singer.schema(), singer.record(2)])
    assert lake.ids() == [1, 2]


def test_state_is_told_only_after_its_rows_are_committed(lake, singer):
    class Probe:
        def __init__(self):
            self.seen = []

        def append(self, value):
            self.seen.append((value["bookmarks"]["shop-orders"]["at"], lake.ids()))

    lake.emitted = Probe()
    lake.load(singer.run([1, 2], None, 7))
    assert lake.emitted.seen == [(7, [1, 2])]


def test_a_stream_that_comes_back_after_its_commit_goes_on(lake, singer):
    other = singer.schema("shop-payments")
    again = {"type": "STATE", "value": {"bookmarks": {"shop-orders": {"at": 2}, "shop-payments": {"at": 1}}}}
    lake.load([*singer.run([1], None, 1), other, singer.record(8, "shop-payments"), singer.record(2), again])
    assert lake.ids() == [1, 2]
    assert [row["order_id"] for row in lake.rows("raw_shop.payments")] == [8]


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([b"Hello, I am a print statement\n"], "a tap must log to stderr"),
        ([b'{"type":"RECORD","stream":"shop-x","record":{}}\n'], "rows came before its SCHEMA"),
        ([b'{"type":"GREETING"}\n'], "not Singer"),
    ],
)
def test_input_that_is_no_singer_stops_with_the_next_step(lake, messages, said):
    with pytest.raises(LoadError, match=said):
        lake.load(messages)


def test_why_a_run_stopped_is_told_even_if_its_unfinished_file_is_gone(lake, singer, monkeypatch):
    monkeypatch.setattr(data_files, "ROW_GROUP_ROWS", 10)

    def messages():
        yield from (singer.line(message) for message in singer.run(range(30), None, 1)[:-1])
        yield singer.line(singer.schema())  # what is buffered is written
        (unfinished,) = lake.data_files()
        unfinished.unlink()
        yield singer.line({"type": "NONSENSE"})

    with pytest.raises(LoadError, match="'NONSENSE' is not Singer"):
        lake.load_lines(messages(), buffer_rows=10)


def test_a_table_of_many_commits_is_planned_from_few_manifests_and_none_of_its_metadata_is_deleted(
    lake, singer, monkeypatch
):
    monkeypatch.setitem(commit.TABLE_PROPERTIES, "commit.manifest.min-count-to-merge", "3")
    for number in range(1, 9):
        lake.load(singer.run([number], None if number == 1 else number - 1, number))
    table = lake.catalog.load_table("raw_shop.orders")
    assert lake.ids() == list(range(1, 9))
    assert len(table.current_snapshot().manifests(table.io)) < 3
    assert all(Path(urlparse(entry.metadata_file).path).exists() for entry in table.metadata.metadata_log)


NAMES = {
    "order id": {"type": "integer"},
    "größe": {"type": ["null", "number"], "x-iceberg-type": "decimal(9,2)"},
    "2nd": {"type": ["null", "string"]},
    "a.b": {"type": ["null", "string"]},
    "ship to": {
        "type": ["null", "object"],
        "x-iceberg-type": "struct",
        "properties": {"zip code": {"type": "string"}, "1st": {"type": "integer"}},
    },
    "tags": {
        "type": ["null", "array"],
        "x-iceberg-type": "list",
        "items": {"type": "object", "x-iceberg-type": "struct", "properties": {"a b": {"type": "string"}}},
    },
}


def test_columns_are_named_as_the_source_likes(lake, singer):
    values = {"größe": 1.25, "2nd": "x", "a.b": "y", "ship to": {"zip code": "0150", "1st": 7}, "tags": [{"a b": "t"}]}
    upsert = {"streams": [{"name": "shop-*", "mode": "upsert"}]}
    schema = singer.schema(keys=["order id"], **NAMES)

    def record(number, **more):
        return {"type": "RECORD", "stream": "shop-orders", "record": {"order id": number, **values, **more}}

    lake.load([singer.start(), schema, record(1), record(2), singer.state(1)], **upsert)
    lake.load([singer.start({"shop-orders": {"at": 1}}), schema, record(1, **{"2nd": None}), singer.state(2)], **upsert)
    first, second = sorted(lake.rows(), key=lambda row: row["order id"])
    assert {name: second[name] for name in NAMES} == {"order id": 2, **values, "größe": Decimal("1.25")}
    assert (first["2nd"], first["ship to"], first["tags"]) == (None, values["ship to"], values["tags"])
    bounds = [task.file.lower_bounds[1] for task in lake.catalog.load_table("raw_shop.orders").scan().plan_files()]
    assert sorted(bounds) == [number.to_bytes(8, "little") for number in (1, 2)]


def test_a_key_of_any_name_is_found_among_the_rows_of_the_run(lake, singer):
    schema = singer.schema(keys=["order id"], **NAMES)
    rows = [{"type": "RECORD", "stream": "shop-orders", "record": {"order id": number}} for number in (1, 2)]
    none = {"type": "BATCH", "stream": "shop-orders", "encoding": {"format": "parquet"}, "manifest": []}
    claim = {"deleted_at": "2017-12-01T00:00:00", "set": {}, "last": True}
    lake.load([singer.start(), schema, *rows, none | {"x-present-keys": claim}, singer.state(1)])
    assert sorted((row["order id"], row["_sdc_deleted_at"] is not None) for row in lake.rows()) == [
        (1, False), (1, True), (2, False), (2, True),
    ]  # fmt: skip
