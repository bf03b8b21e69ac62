"""Full-table streams: ACTIVATE_VERSION replaces all rows in the very commit that brings the new ones."""

from __future__ import annotations

import pytest
from target_iceberg.errors import LoadError


def full(singer, ids, before, version, *, early=False):
    claim = singer.start({} if before is None else {"shop-orders": {"version": before}})
    activate = {"type": "ACTIVATE_VERSION", "stream": "shop-orders", "version": version}
    records = [singer.record(number) for number in ids]
    done = {"type": "STATE", "value": {"bookmarks": {"shop-orders": {"version": version}}}}
    return [claim, singer.schema(), *([activate, *records] if early else [*records, activate]), done]


def test_a_new_version_replaces_all_rows_in_one_snapshot(lake, singer):
    lake.load(full(singer, [1, 2, 3], None, 10))
    lake.load(full(singer, [2, 4], 10, 11))
    assert lake.ids() == [2, 4]
    assert lake.snapshots() == 2
    assert {row["_sdc_commit_seq"] for row in lake.rows()} == {2}


def test_a_reader_in_a_loop_never_sees_an_empty_table(lake, singer):
    lake.load(full(singer, [1, 2, 3], None, 10))
    lake.load(full(singer, [4, 5, 6], 10, 11))
    table = lake.catalog.load_table("raw_shop.orders")
    seen = [len(table.scan(snapshot_id=s.snapshot_id).to_arrow()) for s in table.metadata.snapshots]
    assert seen == [3, 3]


def test_a_table_that_was_emptied_becomes_empty(lake, singer):
    lake.load(full(singer, [1, 2], None, 10))
    lake.load(full(singer, [], 10, 11))
    assert lake.ids() == []


def test_the_version_the_table_holds_replaces_nothing(lake, singer):
    lake.load(full(singer, [1], None, 10))
    lake.load(full(singer, [2], 10, 10, early=True))
    assert lake.ids() == [1, 2]


def test_a_run_that_dies_before_its_state_replaces_nothing(lake, singer):
    lake.load(full(singer, [1, 2], None, 10))
    lake.load(full(singer, [3], 10, 11)[:-1])
    assert lake.ids() == [1, 2]


def test_a_full_table_that_rows_are_appended_to_is_a_log_whose_key_may_not_change_unseen(lake, singer):
    lake.load(full(singer, [1], None, 10))
    lake.load([singer.start({"shop-orders": {"version": 10}}), *singer.run([2], None, 2)[1:]])
    with pytest.raises(LoadError, match=r"the key of its stream was \(order_id\) and is \(v\) now"):
        lake.load([singer.start({"shop-orders": {"at": 2}}), singer.schema(keys=["v"], v={"type": "integer"})])
    assert lake.ids() == [1, 2]
