"""What cannot be loaded stands in quality.rejects, once, with its text, and does not stop the rest."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from target_iceberg import rejects
from target_iceberg.errors import LoadError
from target_iceberg.stream_load import StreamLoad


def reject(position, stream="shop-orders", **more):
    record = {"source_stream": stream, "position": position, "reason": "not JSON", "raw_record": "{", **more}
    return {"type": "RECORD", "stream": "quality-rejects", "record": record}


def test_records_that_do_not_fit_are_kept_with_reason_text_and_person(lake, singer):
    good = [singer.record(number) for number in range(5)]
    bad = [singer.record("x", customer_id=42), singer.record(6, total=1.999), singer.record(None)]
    lake.load([singer.start(), singer.schema(), *good, *bad, singer.record(9), singer.state(1)], run_id="r")
    assert lake.ids() == [0, 1, 2, 3, 4, 9]
    first, second, third = sorted(lake.rejects(), key=lambda row: row["position"])[0:3]
    assert {first["rule"], second["rule"], third["rule"]} == {"fits_schema", "key_present"}
    by_text = {row["raw_record"]: row for row in lake.rejects()}
    typed = by_text['{"order_id": "x", "customer_id": 42}']
    assert (typed["customer_id"], typed["position"]) == (42, '{"order_id": "x"}')
    assert "order_id" in typed["reason"]
    assert "column total" in by_text['{"order_id": 6, "total": 1.999}']["reason"]
    assert {
        (r["source_system"], r["source_table"], r["run_id"], r["commit_seq"], r["status"]) for r in lake.rejects()
    } == {("shop", "orders", "r", 1, "open")}


def test_lines_a_tap_could_not_read_arrive_with_their_position(lake, singer):
    messages = [singer.start(), singer.schema(), singer.record(1), reject("a.jsonl:7", customer_id=3), singer.state(1)]
    lake.load(messages)
    (row,) = lake.rejects()
    assert (row["position"], row["customer_id"], row["rule"], row["dimension"]) == (
        "a.jsonl:7",
        3,
        "well_formed",
        "validity",
    )


def test_rows_of_a_batch_file_that_do_not_fit_are_rejected_alone(lake, singer, tmp_path):
    path = tmp_path / "batch.parquet"
    pq.write_table(pa.table({"order_id": [1, None, 3], "total": ["1.10", "2.20", "NaN"]}), path)
    batch = {"type": "BATCH", "stream": "shop-orders", "encoding": {"format": "parquet"}, "manifest": [path.as_uri()]}
    lake.load([singer.start(), singer.schema(), batch, singer.state(1)], rejects_limit=0.7)
    assert lake.ids() == [1]
    assert sorted(row["rule"] for row in lake.rejects()) == ["fits_schema", "key_present"]


def test_a_run_killed_between_rejects_and_rows_leaves_each_reject_once(lake, singer, monkeypatch):
    messages = [singer.start(), singer.schema(), singer.record(1), reject("a:1"), reject("a:2"), singer.state(1)]
    real = StreamLoad._commit

    def dies(self, files):
        raise KeyboardInterrupt

    monkeypatch.setattr(StreamLoad, "_commit", dies)
    with pytest.raises(KeyboardInterrupt):
        lake.load(messages, rejects_limit=0.9)
    assert len(lake.rejects()) == 2
    assert lake.ids() == []
    monkeypatch.setattr(StreamLoad, "_commit", real)
    lake.load(messages, rejects_limit=0.9)
    assert sorted(row["position"] for row in lake.rejects()) == ["a:1", "a:2"]
    assert lake.ids() == [1]


def test_rejects_of_a_run_that_died_are_gone_if_the_source_was_mended(lake, singer, monkeypatch):
    messages = [singer.start(), singer.schema(), singer.record(1), reject("a:1"), singer.state(1)]
    with monkeypatch.context() as patch:
        patch.setattr(StreamLoad, "_commit", lambda self, files: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lake.load(messages)
    lake.load(singer.run([1, 2], None, 1))
    assert lake.rejects() == []


def test_rejects_after_the_last_state_are_left_for_the_next_run(lake, singer):
    lake.load([*singer.run([1], None, 1), reject("a:9")])
    assert lake.rejects() == []


def test_rejects_of_other_streams_and_commits_stay(lake, singer):
    lake.load([singer.start(), singer.schema(), singer.record(1), reject("a:1"), singer.state(1)])
    payments = [singer.schema("shop-payments"), singer.record(1, "shop-payments"), reject("p:1", "shop-payments")]
    lake.load([singer.start(), *payments, singer.state(1, "shop-payments")])
    claim = singer.start({"shop-orders": {"at": 1}})
    lake.load([claim, singer.schema(), singer.record(2), reject("a:2"), singer.state(2)])
    assert sorted((row["position"], row["commit_seq"]) for row in lake.rejects()) == [
        ("a:1", 1),
        ("a:2", 2),
        ("p:1", 1),
    ]


def test_more_rejects_than_the_limit_stop_the_stream_and_leave_every_table_as_it_was(lake, singer):
    bad = [singer.record("x") for _ in range(3)]
    with pytest.raises(LoadError, match=r"3 of 5 rows were rejected.*rejects_limit.*Next:"):
        lake.load([singer.start(), singer.schema(), singer.record(1), singer.record(2), *bad, singer.state(1)])
    assert lake.ids() == []
    assert lake.rejects() == []


def test_many_rejects_need_no_memory_and_all_arrive(lake, singer, monkeypatch):
    monkeypatch.setattr(rejects, "BUFFER", 10)
    bad = [reject(f"a:{number}") for number in range(95)]
    lake.load([singer.start(), singer.schema(), singer.record(1), *bad, singer.state(1)], rejects_limit=1)
    assert len(lake.rejects()) == 95


def test_a_busy_rejects_table_is_tried_again(lake, singer, monkeypatch):
    from pyiceberg.exceptions import CommitFailedException

    real, failures = rejects.RejectLog._replace_once, iter([True, True, False])

    def busy(self, files):
        if next(failures):
            raise CommitFailedException("another run")
        real(self, files)

    monkeypatch.setattr(rejects.RejectLog, "_replace_once", busy)
    lake.load([singer.start(), singer.schema(), singer.record(1), reject("a:1"), singer.state(1)])
    assert len(lake.rejects()) == 1
