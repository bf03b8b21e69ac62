"""PostgreSQL's log into Iceberg: the last versions that are not deleted are the source's rows, whatever happened."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from lake import Lake, sync
from logged import Logged
from tap_sql.engines import engine_for
from tap_sql.extract import Extraction
from tap_sql.settings import parse_settings

from conftest import Sent

AGAIN = {"on_lost_changes": "resnapshot"}


class Dying(Sent):
    """Where a tap writes that dies, as by a kill or a connection that drops."""

    def __init__(self, survives):
        super().__init__(keep_files=True)
        self._survives = survives

    def emit(self, message):
        if not self._survives(self, message):
            raise ConnectionError
        super().emit(message)


class Pair:
    """A source read by its log and the lake it is loaded into."""

    def __init__(self, logged, folder):
        self.logged, self.lake = logged, Lake(folder / "lake")

    def run(self, **settings):
        sync(self.logged.config | settings, self.logged.selected(), self.lake)

    def run_that_dies(self, survives, **settings):
        """A run whose tap dies with the first message that it does not survive; the target loads what came."""
        sent, given = Dying(survives), parse_settings(self.logged.config | settings)
        with pytest.raises(ConnectionError), engine_for(given).connect() as session:
            Extraction(given, session, self.lake.state, sent.emit).run(self.logged.selected())
        self.lake.load(sent.messages)

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


def leave_long_values_out(pair):
    """Both tables are read, then changed; of each the log tells a change that can be read and one that cannot."""
    pair.logged.execute("".join(f"alter table {name} alter column v set storage external;" for name in "tu"))
    pair.run()
    for name in "tu":
        pair.logged.execute(f"insert into {name} values (1, repeat('x', 9000), 1), (2, 'b', 1), (3, 'c', 1)")
        pair.logged.execute(f"update {name} set n = 2 where id = 1")
        pair.logged.execute(f"delete from {name} where id = 2; insert into {name} values (4, 'd', 1)")
        pair.logged.execute(f"alter table {name} replica identity full")


def has_the_sources_rows_and_each_change_once(pair):
    for name in "tu":
        assert pair.live(name) == pair.source(name)
        changes = Counter((row["id"], row["_sdc_lsn"], row["_sdc_op"]) for row in pair.versions(name))
        assert max(changes.values()) == 1


def test_a_tap_that_dies_between_two_tables_that_it_reads_whole_loses_changes_of_neither(pair):
    leave_long_values_out(pair)
    pair.run_that_dies(lambda sent, message: message["type"] != "SCHEMA" or len(sent.of("SCHEMA")) < 3, **AGAIN)
    pair.run(**AGAIN)
    has_the_sources_rows_and_each_change_once(pair)
    pair.logged.execute("update t set n = 5; update u set n = 6; delete from u where id = 4")
    pair.run()
    has_the_sources_rows_and_each_change_once(pair)


@pytest.mark.soak
@pytest.mark.parametrize("survived", range(1, 14))
def test_a_tap_that_dies_after_any_message_of_such_a_run_loses_nothing(pair, survived):
    leave_long_values_out(pair)
    pair.run_that_dies(lambda sent, _: len(sent.messages) < survived, **AGAIN)
    pair.run(**AGAIN)
    has_the_sources_rows_and_each_change_once(pair)


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
