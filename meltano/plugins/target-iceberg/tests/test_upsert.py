"""Mode upsert: the table holds the last version of each key, whatever comes twice, at once or is cut off."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import pytest
from target_iceberg.errors import BookmarkMovedError, LoadError
from target_iceberg.loader import Loader
from target_iceberg.settings import parse_settings

UPSERT = {"streams": [{"name": "shop-*", "mode": "upsert"}]}
DIES = """
import os, signal
from target_iceberg import {module} as at
real = at.{owner}.{method}
def dying(*given):
    if {before}: os.kill(os.getpid(), signal.SIGKILL)
    found = real(*given)
    os.kill(os.getpid(), signal.SIGKILL)
at.{owner}.{method} = dying
from target_iceberg.cli import main
main()
"""
MOMENTS = {
    "before the old files are read": ("upsert", "Upsert", "onto", True),
    "when the other rows of the old files are written": ("upsert", "Upsert", "onto", False),
    "after the commit": ("stream_load", "StreamLoad", "_commit", False),
}


def run(singer, rows, before, after):
    claim = singer.start({} if before is None else {"shop-orders": {"at": before}})
    return [claim, singer.schema(), *[singer.record(i, status=s) for i, s in rows], singer.state(after)]


def held(lake):
    return {row["order_id"]: row["status"] for row in lake.rows()}


def test_a_key_that_comes_again_takes_the_place_of_the_one_before_in_one_snapshot(lake, singer):
    lake.load(run(singer, [(1, "new"), (2, "new"), (3, "new")], None, 1), **UPSERT)
    lake.load(run(singer, [(2, "paid"), (4, "new")], 1, 2), **UPSERT)
    assert [(row["order_id"], row["status"], row["_sdc_commit_seq"]) for row in lake.rows()] == [
        (1, "new", 1), (3, "new", 1), (2, "paid", 2), (4, "new", 2),
    ]  # fmt: skip
    table = lake.catalog.load_table("raw_shop.orders")
    assert [len(table.scan(snapshot_id=s.snapshot_id).to_arrow()) for s in table.metadata.snapshots] == [3, 4]


def test_of_several_versions_in_one_run_the_last_one_stays_even_if_they_came_in_files_of_their_own(lake, singer):
    rows = [(1, "a"), (2, "a"), (1, "b"), (1, "c"), (3, "a"), (2, "b")]
    lake.load(run(singer, rows, None, 1), buffer_rows=1, file_rows=2, **UPSERT)
    assert held(lake) == {1: "c", 2: "b", 3: "a"}
    assert len(lake.rows()) == 3


def test_a_file_without_any_of_the_keys_is_left_alone(lake, singer):
    lake.load(run(singer, [(1, "a"), (2, "a")], None, 1), **UPSERT)
    untouched = lake.data_files()
    lake.load(run(singer, [(8, "a"), (9, "a")], 1, 2), **UPSERT)
    lake.load(run(singer, [(9, "b")], 2, 3), **UPSERT)
    live = {task.file.file_path for task in lake.catalog.load_table("raw_shop.orders").scan().plan_files()}
    assert {f"file://{path}" for path in untouched} < live
    assert held(lake) == {1: "a", 2: "a", 8: "a", 9: "b"}


def test_random_runs_leave_what_a_dictionary_would_hold(lake, singer):
    luck, expected, before = random.Random(7), {}, None
    for number in range(1, 7):
        rows = [(luck.randrange(40), f"{number}.{n}") for n in range(luck.randrange(1, 25))]
        lake.load(run(singer, rows, before, number), buffer_rows=luck.choice((1, 7, 100)), **UPSERT)
        expected, before = expected | dict(rows), number
    assert held(lake) == expected
    assert len(lake.rows()) == len(expected)


def test_the_same_batch_twice_is_refused_the_second_time(lake, singer):
    lake.load(run(singer, [(1, "a")], None, 1), **UPSERT)
    messages = run(singer, [(1, "b"), (2, "a")], 1, 2)
    lake.load(messages, **UPSERT)
    with pytest.raises(BookmarkMovedError):
        lake.load(messages, **UPSERT)
    assert held(lake) == {1: "b", 2: "a"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_leaves_all_or_nothing_and_the_next_one_the_whole(lake, singer, tmp_path, moment):
    lake.load(run(singer, [(1, "a"), (2, "a")], None, 1), **UPSERT)
    messages = run(singer, [(2, "b"), (3, "a")], 1, 2)
    config = tmp_path / "config.json"
    config.write_text(singer.json.dumps(lake.config | UPSERT))
    module, owner, method, before = MOMENTS[moment]
    program = DIES.format(module=module, owner=owner, method=method, before=before)
    given = b"".join(singer.line(message) for message in messages)
    died = subprocess.run([sys.executable, "-c", program, "--config", str(config)], input=given, check=False)
    assert died.returncode == -signal.SIGKILL
    after = held(lake)
    assert after == ({1: "a", 2: "b", 3: "a"} if moment == "after the commit" else {1: "a", 2: "a"})
    if moment == "after the commit":
        with pytest.raises(BookmarkMovedError):
            lake.load(messages, **UPSERT)
    else:
        lake.load(messages, **UPSERT)
    assert held(lake) == {1: "a", 2: "b", 3: "a"}
    assert len(lake.rows()) == 3


def test_a_compaction_between_reading_and_commit_brings_no_old_version_back(lake, singer):
    lake.load(run(singer, [(1, "a"), (2, "a")], None, 1), **UPSERT)
    messages = run(singer, [(2, "b")], 1, 2)

    def compacted():
        yield from (singer.line(message) for message in messages[:-1])
        table = lake.catalog.load_table("raw_shop.orders")
        table.overwrite(table.scan().to_arrow())
        yield singer.line(messages[-1])

    with Loader(parse_settings(lake.config | UPSERT), print) as loader:
        loader.load(compacted())
    assert held(lake) == {1: "a", 2: "b"}
    assert len(lake.rows()) == 2


def test_a_key_of_several_columns_of_several_types_and_a_new_column_are_followed(lake, singer):
    columns = {
        "day": {"type": "string", "x-iceberg-type": "date"},
        "place": {"type": "string"},
        "amount": {"type": ["null", "number"], "x-iceberg-type": "decimal(9,2)"},
    }
    keys, more = ("day", "place", "amount"), {"note": {"type": ["null", "string"]}}

    def messages(schema, records, before, after):
        claim = singer.start({} if before is None else {"shop-orders": {"at": before}})
        made = [{"type": "RECORD", "stream": "shop-orders", "record": record} for record in records]
        return [claim, schema, *made, singer.state(after)]

    first = {"day": "2017-01-01", "place": "x", "amount": 1.5}
    other = first | {"place": "y"}
    lake.load(messages(singer.schema(keys=keys, **columns), [first, other], None, 1), **UPSERT)
    lake.load(messages(singer.schema(keys=keys, **columns, **more), [first | {"note": "n"}], 1, 2), **UPSERT)
    assert [(row["place"], row["note"]) for row in lake.rows()] == [("y", None), ("x", "n")]


def test_a_deleted_key_keeps_its_row_marked_as_deleted(lake, singer):
    lake.load(run(singer, [(1, "a"), (2, "a")], None, 1), **UPSERT)
    claim = {"deleted_at": "2017-12-01T00:00:00", "set": {}, "last": True}
    batch = {"type": "BATCH", "stream": "shop-orders", "encoding": {"format": "parquet"}, "manifest": []}
    messages = run(singer, [], 1, 2)
    messages.insert(2, batch | {"x-present-keys": claim})
    lake.load(messages, **UPSERT)
    assert sorted(row["order_id"] for row in lake.rows()) == [1, 2]
    assert all(row["_sdc_deleted_at"] is not None for row in lake.rows())


def test_a_table_that_is_a_log_is_not_upserted_until_it_is_loaded_anew(lake, singer):
    lake.load(run(singer, [(1, "a")], None, 1))
    with pytest.raises(LoadError, match=r"raw_shop\.orders was loaded in mode append.*Next: load it anew"):
        lake.load(run(singer, [(1, "b")], 1, 2), **UPSERT)
    lake.load(run(singer, [(1, "b")], None, 2), full_refresh=True, **UPSERT)
    lake.load(run(singer, [(1, "c")], 2, 3), **UPSERT)
    assert held(lake) == {1: "c"}
    with pytest.raises(LoadError, match="was loaded in mode upsert, and its stream is set to append"):
        lake.load(run(singer, [(1, "d")], 3, 4))


def test_a_stream_without_a_key_is_not_upserted(lake, singer):
    with pytest.raises(LoadError, match=r"mode upsert needs a key.*Next: "):
        lake.load([singer.start(), singer.schema(keys=())], **UPSERT)


def test_the_summary_tells_the_runs_own_rows_from_those_written_again(lake, singer):
    lake.load(run(singer, [(1, "a"), (2, "a"), (3, "a")], None, 1), **UPSERT)
    lake.load(run(singer, [(1, "b")], 1, 2), **UPSERT)
    summary = lake.catalog.load_table("raw_shop.orders").current_snapshot().summary.additional_properties
    assert (summary["target-iceberg.rows"], summary["added-records"]) == ("1", "3")
