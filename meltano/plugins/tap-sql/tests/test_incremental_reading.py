"""An incremental run takes exactly what the last one did not see: no gap, no row twice, whatever commits when."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tap_sql.snapshot import HALF, LOW, Snapshot, full_id, is_newer, newer_sql
from tap_sql.testing import as_server_user, run_program, throwaway_postgres

TABLE = "create table t (id int primary key, v text, updated_at timestamp(6) not null); create index on t (updated_at)"


@pytest.fixture
def orders(source):
    source.execute(TABLE)
    source.execute(
        "insert into t select i, 'old', timestamp '2017-01-01' + i * interval '1 minute' from generate_series(1, 50) i"
    )
    return source


def stream(source):
    return f"{source.schema}-t"


def bookmark(sent, source):
    return sent.state["bookmarks"][stream(source)]


def test_the_first_run_reads_everything_and_the_next_nothing(orders):
    first = orders.run()
    assert first.ids(stream(orders)) == list(range(1, 51))
    second = orders.run(first.state)
    assert second.rows(stream(orders)) == []
    assert second.state == first.state, (
        "nothing new must leave the bookmark to the letter, so that nothing is committed"
    )


def test_the_bookmark_says_key_snapshot_and_origin(orders):
    found = bookmark(orders.run(), orders)
    assert found["replication_key"] == "updated_at"
    assert found["replication_key_value"] == "2017-01-01T00:50:00"
    assert Snapshot.parse(found["snapshot"]).xmax > 0
    assert len(found["cluster"].split("/")) == 4


def test_the_run_begins_with_the_state_it_starts_from(orders):
    first = orders.run()
    second = orders.run(first.state)
    assert first.messages[0] == {"type": "STATE", "value": {"bookmarks": {}}}
    assert second.messages[0] == {"type": "STATE", "value": first.state}


def test_changed_and_new_rows_are_read_and_only_they(orders):
    first = orders.run()
    orders.execute("update t set v = 'new', updated_at = '2017-01-01 00:50:30' where id in (3, 50)")
    orders.execute("insert into t values (51, 'new', '2017-01-01 00:50:00')")
    second = orders.run(first.state)
    assert second.ids(stream(orders)) == [3, 50, 51]
    assert orders.run(second.state).rows(stream(orders)) == []


def test_the_boundary_row_is_not_sent_again(orders):
    first = orders.run()
    orders.execute("insert into t values (51, 'same instant', '2017-01-01 00:50:00')")
    assert orders.run(first.state).ids(stream(orders)) == [51]


def test_a_writer_that_commits_late_with_an_old_time_is_neither_lost_nor_doubled(orders):
    with orders.connect() as late:
        late.execute("insert into t values (60, 'late', '2017-01-01 00:20:00')")
        late.execute("update t set v = 'late', updated_at = '2017-01-01 00:21:00' where id = 5")
        first = orders.run()
        assert 60 not in first.ids(stream(orders))
        orders.execute("insert into t values (61, 'in time', '2017-01-01 01:00:00')")
        second = orders.run(first.state)
        assert second.ids(stream(orders)) == [61]
        third = orders.run(second.state)
        assert third.rows(stream(orders)) == []
        late.commit()
    fourth = orders.run(third.state)
    assert fourth.ids(stream(orders)) == [5, 60]
    assert orders.run(fourth.state).rows(stream(orders)) == []


def test_a_writer_in_a_savepoint_is_neither_lost_nor_doubled(orders):
    """PostgreSQL's own pg_visible_in_snapshot says of these rows that the first run saw them."""
    with orders.connect() as late:
        late.execute("insert into t values (59, 'opens the transaction', '2017-01-01 00:20:00')")
        late.execute("savepoint s")
        late.execute("insert into t values (60, 'in a savepoint', '2017-01-01 00:20:00')")
        orders.execute("insert into t values (61, 'younger, and committed', '2017-01-01 00:49:00')")
        first = orders.run()
        assert 61 in first.ids(stream(orders))
        late.execute("release savepoint s")
        late.commit()
    second = orders.run(first.state)
    assert second.ids(stream(orders)) == [59, 60]


def test_a_rolled_back_savepoint_brings_nothing(orders):
    with orders.connect() as late:
        late.execute("savepoint s")
        late.execute("insert into t values (60, 'never', '2017-01-01 00:20:00')")
        late.execute("rollback to savepoint s")
        late.execute("insert into t values (62, 'yes', '2017-01-01 00:20:00')")
        first = orders.run()
        late.commit()
    assert orders.run(first.state).ids(stream(orders)) == [62]


def test_several_open_writers_over_several_runs_add_up_to_the_source(orders):
    seen, state = [], None
    writers = [orders.connect() for _ in range(3)]
    for number, writer in enumerate(writers):
        writer.execute(f"insert into t values ({100 + number}, 'open', '2017-01-01 00:30:00')")
        orders.execute(f"insert into t values ({200 + number}, 'done', '2017-01-01 00:31:00')")
        sent = orders.run(state)
        state, seen = sent.state, seen + sent.ids(stream(orders))
    for writer in reversed(writers):
        writer.commit()
        writer.close()
        sent = orders.run(state)
        state, seen = sent.state, seen + sent.ids(stream(orders))
    assert sorted(seen) == sorted(row[0] for row in orders.query("select id from t"))


def test_rows_older_than_the_overlap_are_not_looked_for(orders):
    first = orders.run()
    orders.execute("insert into t values (60, 'x', timestamp '2017-01-01 00:50:00' - interval '61 minutes')")
    orders.execute("insert into t values (61, 'x', timestamp '2017-01-01 00:50:00' - interval '59 minutes')")
    assert orders.run(first.state, overlap_seconds=3600).ids(stream(orders)) == [61]


def test_a_row_without_its_time_is_read_once(source):
    source.execute(
        "create table t (id int primary key, updated_at timestamp); insert into t values (1, now()), (2, null)"
    )
    first = source.run()
    source.execute("insert into t values (3, null)")
    assert first.ids(stream(source)) == [1, 2]
    assert source.run(first.state).ids(stream(source)) == [3]


def test_a_time_in_the_far_future_does_not_hide_the_rows_to_come(orders):
    orders.execute("insert into t values (99, 'typing error', '2999-01-01')")
    first = orders.run()
    assert bookmark(first, orders)["replication_key_value"] < "2999"
    orders.execute("insert into t values (100, 'today', now() at time zone 'utc')")
    assert orders.run(first.state).ids(stream(orders)) == [100]


@pytest.mark.parametrize("change", ["drop table t; " + TABLE, "alter table t rename to old; " + TABLE])
def test_a_table_made_anew_is_read_from_the_start(orders, change):
    first = orders.run()
    orders.execute(change)
    orders.execute("insert into t values (1, 'restored', '2016-01-01')")
    assert orders.run(first.state).ids(stream(orders)) == [1]


def test_a_bookmark_from_the_future_of_a_restored_server_reads_everything(orders):
    first = orders.run()
    held = bookmark(first, orders)
    low = Snapshot.parse(held["snapshot"]).xmax + 1000
    state = {"bookmarks": {stream(orders): {**held, "snapshot": f"{low}:{low}:"}}}
    assert len(orders.run(state).ids(stream(orders))) == 50


def test_another_replication_key_reads_everything(orders):
    first = orders.run()
    assert len(orders.run(first.state, key="id").ids(stream(orders))) == 50


def test_an_integer_key_finds_late_and_lower_ids_too(orders):
    first = orders.run(key="id")
    orders.execute("insert into t values (0, 'lower', '2017-01-01'), (70, 'higher', '2017-01-01')")
    assert orders.run(first.state, key="id").ids(stream(orders)) == [0, 70]


@pytest.mark.soak
def test_a_key_of_every_kind_goes_on_run_after_run(source):
    kinds = {
        "numeric(12,2)": ("9.50", "10", "'-1'"),
        "numeric": ("9.5", "10", "-1"),
        "float8": ("9.5", "10", "'infinity'"),
        "text": ("'b'", "'c'", "'a'"),
        "time": ("'09:00'", "'10:00:00.5'", "'08:00'"),
        "uuid": ("gen_random_uuid()", "gen_random_uuid()", "gen_random_uuid()"),
        "date": ("'2017-12-14'", "'2017-12-15'", "'2017-12-16'"),
        "boolean": ("false", "true", "false"),
    }
    source.execute("; ".join(f"create table t{n} (id int primary key, k {kind})" for n, kind in enumerate(kinds)))
    catalog, sent = source.selected("k"), None
    for number in range(3):
        rows = enumerate(values[number] for values in kinds.values())
        source.execute("; ".join(f"insert into t{n} values ({number}, {value})" for n, value in rows))
        sent = source.run(sent.state if sent else None, catalog=catalog)
        assert [sent.ids(f"{source.schema}-t{n}") for n in range(len(kinds))] == [[number]] * len(kinds)
    assert source.run(sent.state, catalog=catalog).of("BATCH") == []


def test_all_streams_are_read_in_one_snapshot(source, monkeypatch):
    from tap_sql.extract import Extraction

    source.execute(
        "create table a (id int primary key, updated_at timestamp);"
        "create table b (id int primary key, updated_at timestamp)"
    )
    source.execute("insert into a values (1, now()); insert into b values (1, now())")
    real = Extraction._read_stream

    def interfering(self, selection):
        real(self, selection)
        if selection.table.name == "a":
            source.execute("insert into a values (2, now()); insert into b values (2, now())")

    with monkeypatch.context() as patch:
        patch.setattr(Extraction, "_read_stream", interfering)
        first = source.run()
    assert (first.ids(f"{source.schema}-a"), first.ids(f"{source.schema}-b")) == ([1], [1])
    second = source.run(first.state)
    assert (second.ids(f"{source.schema}-a"), second.ids(f"{source.schema}-b")) == ([2], [2])


def test_a_view_is_read_by_its_key_with_the_overlap(orders):
    orders.execute("create view newest as select * from t")
    name = f"{orders.schema}-newest"
    first = orders.run()
    assert len(first.rows(name)) == 50
    again = orders.run(first.state, overlap_seconds=60)
    assert again.ids(name) == [49, 50]
    assert again.of("SCHEMA")[0]["x-overlap"] == {"column": "updated_at", "since": "2017-01-01T00:49:00"}


def test_a_date_key_finds_rows_of_its_last_day_whatever_the_overlap(source):
    source.execute("create table t (id int primary key, updated_at date); insert into t values (1, '2017-01-01')")
    first = source.run(overlap_seconds=0)
    source.execute("insert into t values (2, '2017-01-01'), (3, '2016-12-31')")
    assert source.run(first.state, overlap_seconds=0).ids(stream(source)) == [2]


@given(
    next_id=st.integers(2**31, 2**63),
    age=st.integers(1, HALF - 1),
    horizon=st.integers(1, HALF - 1),
)
@settings(max_examples=500)
def test_row_ids_compare_like_the_whole_numbers_they_are_the_half_of(next_id, age, horizon):
    row, boundary = next_id - age, next_id - horizon
    if row & LOW >= 3:
        assert is_newer(row & LOW, boundary, next_id) == (row >= boundary)
        assert full_id(row & LOW, next_id) == row


@pytest.mark.parametrize("permanent", [0, 1, 2])
def test_permanent_ids_are_never_newer(permanent):
    assert not is_newer(permanent, 2**32, 2**32 + 5)


def test_the_condition_in_sql_says_the_same(source):
    import random

    random.seed(7)
    conditions, expected = [], []
    for _ in range(200):
        next_id = random.randrange(2**31, 2**40)
        boundary = next_id - random.randrange(1, HALF)
        row = (next_id - random.randrange(1, HALF)) & LOW
        conditions.append(newer_sql(boundary, next_id).replace("xmin::text", f"'{row}'"))
        expected.append(is_newer(row, boundary, next_id))
    assert source.query(f"select {', '.join(conditions)}") == [tuple(expected)]


def test_reading_goes_on_across_the_wrap_of_the_32_bit_ids(tmp_path, source):
    """The server's counter is set just before 2³²:

    some rows are written before the wrap, some after, some in an open transaction.
    """
    with throwaway_postgres() as server:
        wrap(server)
        source = type(source)(server, "w", tmp_path / "stage")
        source.execute(TABLE)
        source.execute("insert into t values (1, 'before', '2017-01-01')")
        first = source.run()
        with source.connect() as late:
            late.execute("insert into t values (2, 'open across the wrap', '2017-01-01')")
            second = source.run(first.state)
            for _ in range(40):
                source.query("select pg_current_xact_id()")
            source.execute("insert into t values (3, 'after', '2017-01-01')")
            third = source.run(second.state)
            late.commit()
        fourth = source.run(third.state)
        fifth = source.run(fourth.state)
        runs = [sent.ids("w-t") for sent in (first, second, third, fourth, fifth)]
        assert runs == [[1], [], [3], [2], []]
        assert int(source.query("select pg_current_xact_id()::text")[0][0]) > 2**32


def wrap(server):
    """Stop the server, set its next transaction id a little below 2³², make the commit log that goes with it, start
    again.
    """

    def run(program, *arguments):
        run_program([program, "-D", str(server.data), *map(str, arguments)])

    server.execute("vacuum freeze")
    with psycopg.connect(server.owner_url.replace("/shop", "/postgres"), autocommit=True) as connection:
        connection.execute("vacuum freeze")
    run("pg_ctl", "-m", "fast", "stop")
    near = 2**32 - 40
    segment = server.data / "pg_xact" / f"{near // (8192 * 4 * 32):04X}"
    segment.write_bytes(bytes(8192 * 32))
    if as_server_user():
        import shutil

        shutil.chown(segment, as_server_user())
    run("pg_resetwal", "-x", str(near), "-u", str(near - 10**9), "-e", "0")
    run("pg_ctl", "-w", "-o", f"-p {server.port} -k '' -h 127.0.0.1", "-l", str(server.data.parent / "log"), "start")
