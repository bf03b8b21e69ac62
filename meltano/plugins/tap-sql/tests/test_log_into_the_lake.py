"""PostgreSQL's log into Iceberg: the last versions that are not deleted are the source's rows, whatever happened."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from lake import Lake, sync
from logged import Logged


class Pair:
    """A source read by its log and the lake it is loaded into."""

    def __init__(self, logged, folder):
        self.logged, self.lake = logged, Lake(folder / "lake")

    def run(self, **settings):
        sync(self.logged.config | settings, self.logged.selected(), self.lake)

    def versions(self, table="t"):
        found = self.lake.catalog.load_table(f"raw.{table}").scan().to_arrow().to_pylist()
        return sorted(found, key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))

    def live(self, table="t"):
        """The last version of each key, unless it is a deletion."""
        last = {row["id"]: row for row in self.versions(table)}
        return sorted((i, row["v"], row["n"]) for i, row in last.items() if row["_sdc_deleted_at"] is None)

    def source(self, table="t"):
        return sorted(self.logged.query(f"select id, v, n from {table}"))


@pytest.fixture
def pair(source, tmp_path):
    source.execute("create table t (id int primary key, v text, n int); create table u (like t including all)")
    logged = Logged.of(source)
    yield Pair(logged, tmp_path)
    logged.clear()


def live_a_little(logged, luck):
    """Some transactions of the kinds there are."""
    for _ in range(luck.randint(1, 12)):
        table, one, other = luck.choice("tu"), luck.randint(1, 30), luck.randint(31, 60)
        put = f"insert into {table} values ({one}, 'v{luck.random():.5f}', {luck.randint(0, 9)})"
        with logged.connect() as connection:
            for statement in luck.sample(
                (
                    f"{put} on conflict (id) do update set v = excluded.v, n = excluded.n",
                    f"update {table} set n = n + 1 where id % 3 = {one % 3}",
                    f"delete from {table} where id between {one} and {one + 3}",
                    f"update {table} set id = {other} where id = {one} and not exists "
                    f"(select from {table} where id = {other})",
                    f"insert into {table} select i, 'many', i from generate_series({other}, 60) i "
                    "on conflict do nothing",
                    *([f"truncate {table}"] if luck.random() < 0.15 else []),
                ),
                luck.randint(1, 3),
            ):
                connection.execute(statement)
            if luck.random() < 0.15:
                connection.rollback()


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak), pytest.param(3, marks=pytest.mark.soak)])
def test_after_any_history_the_lake_has_the_sources_rows(pair, seed):
    luck = random.Random(seed)
    for _ in range(6):
        live_a_little(pair.logged, luck)
        pair.run()
        assert pair.live("t") == pair.source("t")
        assert pair.live("u") == pair.source("u")


def test_nothing_is_lost_or_doubled_while_others_write_and_the_writers_never_wait_for_us(pair):
    stop, longest = threading.Event(), []

    def write():
        number = 0
        with pair.logged.connect() as connection:
            connection.execute("set lock_timeout = '2s'; set synchronous_commit = on")
            while not stop.is_set():
                number += 1
                connection.execute(
                    f"insert into t values ({number % 50}, '{number}', 0) on conflict (id) do update set v = excluded.v"
                )
                connection.commit()
        longest.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            pair.run()
    finally:
        stop.set()
        writer.join()
    pair.run()
    assert pair.live() == pair.source()
    versions = Counter(row["v"] for row in pair.versions())
    assert max(versions.values()) == 1, "a change was loaded twice"
    first = min(int(row["v"]) for row in pair.versions() if row["_sdc_op"] != "snapshot")
    logged = {str(number) for number in range(first, longest[0] + 1)}
    assert logged <= set(versions), "a change of the log is missing"


def test_a_truncate_deletes_what_the_table_and_the_run_had(pair):
    pair.logged.execute("insert into t values (1, 'a', 1), (2, 'b', 2)")
    pair.run()
    pair.logged.execute("insert into t values (3, 'c', 3); delete from t where id = 2")
    pair.logged.execute("truncate t")
    pair.logged.execute("insert into t values (1, 'again', 4)")
    pair.run()
    ops = [(row["id"], row["_sdc_op"]) for row in pair.versions()]
    assert ops[:4] == [(1, "snapshot"), (2, "snapshot"), (3, "insert"), (2, "delete")]
    assert sorted(ops[4:6]) == [(1, "truncate"), (3, "truncate")]
    assert ops[6:] == [(1, "insert")]


def test_a_table_read_whole_once_more_marks_what_went_unseen(pair):
    pair.logged.execute("insert into t values (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)")
    pair.run()
    pair.logged.drop_slot()
    pair.logged.execute(
        "delete from t where id = 2; update t set v = 'C' where id = 3; insert into t values (4, 'd', 4)"
    )
    pair.run(on_lost_changes="resnapshot")
    assert pair.live() == pair.source() == [(1, "a", 1), (3, "C", 3), (4, "d", 4)]
    assert [row["id"] for row in pair.versions() if row["_sdc_deleted_at"] is not None] == [2]
    pair.logged.execute("delete from t where id = 1")
    pair.run()
    assert pair.live() == pair.source()


def test_a_stream_that_was_incremental_goes_on_by_its_log(pair):
    pair.logged.execute("create table w (id int primary key, v text, n int)")
    pair.logged.execute("insert into w values (1, 'a', 1), (2, 'b', 2)")
    incremental = super(Logged, pair.logged).selected("n")
    sync(pair.logged.config, incremental, pair.lake)
    pair.logged.execute("delete from w where id = 1; insert into w values (3, 'c', 3)")
    pair.run()
    assert pair.live("w") == pair.source("w") == [(2, "b", 2), (3, "c", 3)]


def test_a_full_refresh_replaces_everything(pair):
    pair.logged.execute("insert into t values (1, 'a', 1), (2, 'b', 2)")
    pair.run()
    pair.logged.execute("delete from t where id = 1")
    pair.lake.state = {}
    sync(pair.logged.config, pair.logged.selected(), pair.lake, full_refresh=True)
    assert [(row["id"], row["_sdc_op"]) for row in pair.versions()] == [(2, "snapshot")]
    pair.logged.execute("insert into t values (3, 'c', 3)")
    pair.run()
    assert pair.live() == pair.source()
