"""Whatever runs at once, dies or is repeated: no row is lost and none is doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from pyiceberg.exceptions import CommitFailedException
from target_iceberg import commit
from target_iceberg.errors import BookmarkMovedError, LoadError, RecordsDisagreeError
from target_iceberg.loader import Loader
from target_iceberg.record import BOOKMARK, canonical
from target_iceberg.settings import parse_settings


def test_the_same_input_twice_is_refused_the_second_time(lake, singer):
    lake.load(singer.run([1, 2], None, 1))
    with pytest.raises(BookmarkMovedError, match=r"raw_shop\.orders.*Next: run again"):
        lake.load(singer.run([1, 2], None, 1))
    assert lake.ids() == [1, 2]


def test_a_run_that_read_the_same_bookmark_is_refused_even_if_it_opens_the_table_after_the_other_committed(
    lake, singer
):
    lake.load(singer.run([1], None, 1))
    lake.load(singer.run([2], 1, 2))
    with pytest.raises(BookmarkMovedError):
        lake.load(singer.run([2, 3], 1, 3))
    assert lake.ids() == [1, 2]


def test_a_run_that_is_overtaken_between_opening_and_commit_is_refused_and_its_files_are_gone(lake, singer):
    messages = singer.run([1, 2], None, 1)

    def overtaken():
        yield from (singer.line(message) for message in messages[:-1])
        lake.load(singer.run([7], None, 5))
        yield singer.line(messages[-1])

    with pytest.raises(BookmarkMovedError), Loader(parse_settings(lake.config | {"buffer_rows": 1}), print) as loader:
        loader.load(overtaken())
    assert lake.ids() == [7]
    assert len(lake.data_files()) == 1


def test_of_many_runs_at_once_exactly_one_commits(lake, singer):
    outcomes = []

    def race(number):
        try:
            lake.load(singer.run([number], None, number + 1))
            outcomes.append(number)
        except BookmarkMovedError:
            outcomes.append(None)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number in outcomes if number is not None]
    assert len(outcomes) == 4
    assert len(winners) == 1
    assert lake.ids() == winners


def test_a_tap_that_does_not_say_where_it_starts_is_still_guarded_from_the_moment_the_table_is_opened(lake, singer):
    messages = singer.run([1], None, 1)[1:]

    def overtaken():
        yield from (singer.line(message) for message in messages[:-1])
        lake.load(singer.run([7], None, 5))
        yield singer.line(messages[-1])

    with pytest.raises(BookmarkMovedError), Loader(parse_settings(lake.config), print) as loader:
        loader.load(overtaken())
    assert lake.ids() == [7]


def test_a_retried_step_keeps_what_the_same_run_id_committed_before(lake, singer):
    lake.load(singer.run([1], None, 1), run_id="step")
    lake.load(singer.run([2], 1, 2), run_id="step")
    assert lake.ids() == [1, 2]


def test_a_compaction_in_between_is_no_reason_to_refuse(lake, singer):
    lake.load(singer.run([1], None, 1))
    messages = singer.run([2], 1, 2)

    def compacted():
        yield from (singer.line(message) for message in messages[:-1])
        table = lake.catalog.load_table("raw_shop.orders")
        table.overwrite(table.scan().to_arrow())
        yield singer.line(messages[-1])

    with Loader(parse_settings(lake.config), print) as loader:
        loader.load(compacted())
    assert lake.ids() == [1, 2]


def test_a_commit_that_landed_but_was_reported_as_failed_is_not_committed_twice(lake, singer, monkeypatch):
    real = commit._commit_on
    calls = []

    def lands_and_fails(table, change):
        real(table, change)
        calls.append(table)
        raise CommitFailedException("the answer was lost")

    monkeypatch.setattr(commit, "_commit_on", lands_and_fails)
    lake.load(singer.run([1, 2], None, 1))
    assert len(calls) == 1
    assert lake.ids() == [1, 2]


def test_a_commit_overtaken_forever_gives_up_and_says_so(lake, singer, monkeypatch):
    def overtaken(table, change):
        raise CommitFailedException("busy")

    monkeypatch.setattr(commit, "_commit_on", overtaken)
    with pytest.raises(LoadError, match="overtaken"):
        lake.load(singer.run([1], None, 1))
    assert lake.ids() == []


def test_a_rollback_is_noticed_and_nothing_is_guessed(lake, singer):
    lake.load(singer.run([1], None, 1))
    first = lake.catalog.load_table("raw_shop.orders").metadata.current_snapshot_id
    lake.load(singer.run([2], 1, 2))
    table = lake.catalog.load_table("raw_shop.orders")
    table.manage_snapshots().rollback_to_snapshot(first).commit()
    with pytest.raises(RecordsDisagreeError, match=r"properties say commit 2.*snapshots say commit 1.*Next:"):
        lake.load(singer.run([3], 2, 3))


def test_an_edited_property_is_noticed(lake, singer):
    lake.load(singer.run([1], None, 1))
    with lake.catalog.load_table("raw_shop.orders").transaction() as edit:
        edit.set_properties({BOOKMARK: canonical({"at": 99})})
    with pytest.raises(RecordsDisagreeError):
        lake.load(singer.run([2], 99, 100))


def test_a_table_is_loaded_from_one_stream_only(lake, singer):
    lake.load(singer.run([1], None, 1))
    with pytest.raises(LoadError, match="loaded from stream shop-orders, not from other-orders"):
        lake.load([singer.start(), singer.schema("other-orders")])


def test_expired_snapshots_leave_the_property_to_speak(lake, singer):
    lake.load(singer.run([1], None, 1))
    table = lake.catalog.load_table("raw_shop.orders")
    old = table.metadata.current_snapshot_id
    table.overwrite(table.scan().to_arrow())
    table = lake.catalog.load_table("raw_shop.orders")
    expired = [s.snapshot_id for s in table.metadata.snapshots if s.snapshot_id != table.metadata.current_snapshot_id]
    assert old in expired
    table.maintenance.expire_snapshots().by_ids(expired).commit()
    lake.load(singer.run([2], 1, 2))
    assert lake.ids() == [1, 2]


def test_a_full_refresh_replaces_the_rows_and_starts_from_no_bookmark(lake, singer):
    lake.load(singer.run([1, 2], None, 1))
    lake.load(singer.run([1, 2, 3], None, 9), full_refresh=True)
    assert lake.ids() == [1, 2, 3]
    lake.load(singer.run([4], 9, 10))
    assert lake.ids() == [1, 2, 3, 4]


@pytest.mark.parametrize("says_where_it_starts", [True, False])
def test_a_full_refresh_that_is_committed_in_parts_replaces_the_rows_once_and_keeps_every_part(
    lake, singer, says_where_it_starts
):
    lake.load(singer.run([8, 9], None, 1))
    part = {**singer.state(2), "x-commit": True}
    records = [singer.record(1), singer.record(2), part, singer.record(3), singer.state(3)]
    claim = [singer.start()] if says_where_it_starts else []
    lake.load([*claim, singer.schema(), *records], full_refresh=True)
    assert lake.ids() == [1, 2, 3]
    lake.load(singer.run([4], 3, 4))
    assert lake.ids() == [1, 2, 3, 4]


def test_a_full_refresh_keeps_a_stream_to_which_the_tap_came_back(lake, singer):
    lake.load(singer.run([9], None, 1))
    again = {"type": "STATE", "value": {"bookmarks": {"shop-orders": {"at": 2}, "shop-payments": {"at": 1}}}}
    other = [singer.schema("shop-payments"), singer.record(8, "shop-payments")]
    lake.load([*singer.run([1], None, 1), *other, singer.record(2), again], full_refresh=True)
    assert lake.ids() == [1, 2]


def test_rows_bookmark_and_summary_are_one_commit(lake, singer):
    lake.load(singer.run([1, 2], None, 1), run_id="r1")
    metadata = lake.catalog.load_table("raw_shop.orders").metadata
    record = {key: value for key, value in metadata.properties.items() if key.startswith("singer.")}
    summary = metadata.current_snapshot().summary.additional_properties
    assert record == {key: value for key, value in summary.items() if key.startswith("singer.")}
    assert record["singer.bookmark"] == '{"at":1}'
    assert (record["singer.commit-seq"], record["singer.run-id"], record["singer.stream"]) == ("1", "r1", "shop-orders")
    assert metadata.properties["commit.retry.num-retries"] == "0"


@pytest.mark.parametrize("delay", [0.0, 0.15, 0.4])
def test_a_killed_target_leaves_the_table_as_it_was_or_as_it_should_be(lake, singer, tmp_path, delay):
    lake.load(singer.run([0], None, 0))
    config = tmp_path / "config.json"
    config.write_bytes(singer.json.dumps(lake.config | {"buffer_rows": 200}).encode())
    program = [sys.executable, "-c", "from target_iceberg.cli import main; main()", "--config", str(config)]
    ids = list(range(1, 3001))
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process.stdin.write(b"".join(singer.line(message) for message in singer.run(ids, 0, 1)))
    process.stdin.close()
    deadline = time.monotonic() + 30
    while not len(lake.data_files()) > 1 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert lake.ids() in ([0], [0, *ids])
    if lake.ids() == [0]:
        lake.load(singer.run(ids, 0, 1))
    assert lake.ids() == [0, *ids]
