"""Keys that a tap says are there: all others get a last version that says they are deleted. And commits in between."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from target_iceberg.errors import LoadError

AT = "2017-12-15T10:00:00"


@pytest.fixture
def present(tmp_path):
    """`present([1, 2], last=False, _sdc_op="truncate")` is the message."""

    def message(ids, *, last=True, **marks):
        files = []
        if ids:
            files.append(tmp_path / f"keys-{len(list(tmp_path.glob('keys-*')))}.parquet")
            pq.write_table(pa.table({"order_id": pa.array(ids, pa.int64())}), files[0])
        return {
            "type": "BATCH",
            "stream": "shop-orders",
            "encoding": {"format": "parquet", "compression": "none"},
            "manifest": [file.as_uri() for file in files],
            "x-present-keys": {"deleted_at": AT, "set": marks, "last": last},
        }

    return message


def run(singer, before, after, *messages, schema=None):
    claim = singer.start({"shop-orders": {"at": before}} if before else {})
    return [claim, schema or singer.schema(), *messages, singer.state(after)]


def versions(lake):
    rows = sorted(lake.rows(), key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))
    return [(row["order_id"], row["_sdc_deleted_at"] is not None) for row in rows]


def test_keys_that_are_gone_get_a_deleted_version_and_the_others_none(lake, singer, present):
    lake.load(run(singer, None, 1, *(singer.record(n) for n in (1, 2, 3))))
    lake.load(run(singer, 1, 2, singer.record(4), present([1], last=False), present([4])))
    assert versions(lake)[:4] == [(1, False), (2, False), (3, False), (4, False)]
    assert sorted(versions(lake)[4:]) == [(2, True), (3, True)]
    lake.load(run(singer, 2, 3, present([1, 4])))
    assert len(versions(lake)) == 6, "what is deleted is not deleted again"


def test_no_key_means_that_the_table_was_emptied_rows_of_this_run_with_it(lake, singer, present):
    lake.load(run(singer, None, 1, singer.record(1)))
    lake.load(run(singer, 1, 2, singer.record(2), present([]), singer.record(3)))
    assert sorted(versions(lake)[2:4]) == [(1, True), (2, True)]
    assert versions(lake)[4:] == [(3, False)]


def test_the_deleted_versions_have_the_marks_and_the_time_that_were_sent(lake, singer, present):
    schema = singer.schema(order_id={"type": "integer"}, _sdc_op={"type": ["null", "string"]})
    lake.load(run(singer, None, 1, singer.record(1), schema=schema))
    lake.load(run(singer, 1, 2, present([], _sdc_op="truncate"), schema=schema))
    (row,) = [row for row in lake.rows() if row["_sdc_deleted_at"] is not None]
    assert (row["_sdc_op"], row["_sdc_deleted_at"].isoformat()) == ("truncate", AT)


def test_a_claim_that_no_state_covers_deletes_nothing(lake, singer, present):
    lake.load(run(singer, None, 1, singer.record(1)))
    lake.load(run(singer, 1, 2, present([]))[:-1])
    assert versions(lake) == [(1, False)]


def test_in_a_full_refresh_only_the_runs_own_rows_count(lake, singer, present):
    lake.load(run(singer, None, 1, singer.record(1), singer.record(2)))
    lake.load(run(singer, None, 2, singer.record(2), singer.record(3), present([3])), full_refresh=True)
    assert versions(lake) == [(2, False), (3, False), (2, True)]


def test_a_stream_without_a_key_is_refused(lake, singer, present):
    with pytest.raises(LoadError, match=r"deleted rows are known by their key.* Next: give its table a primary key"):
        lake.load(run(singer, None, 1, present([]), schema=singer.schema(keys=())))


def test_a_state_that_asks_for_it_is_committed_at_once_and_the_rest_with_the_next(lake, singer):
    asking = {**singer.state(1), "x-commit": True}
    lake.load([singer.start(), singer.schema(), singer.record(1), asking, singer.record(2)])
    assert (versions(lake), lake.snapshots()) == ([(1, False)], 1)
    again = {**singer.state(2), "x-commit": True}
    messages = [singer.start({"shop-orders": {"at": 1}}), singer.schema(), singer.record(2), again, singer.record(3)]
    lake.load([*messages, singer.state(3)])
    assert (versions(lake), lake.snapshots()) == ([(1, False), (2, False), (3, False)], 3)
