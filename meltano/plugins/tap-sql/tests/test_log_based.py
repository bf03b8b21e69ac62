"""LOG_BASED on PostgreSQL: what a run reads of the log, and when it refuses to."""

from __future__ import annotations

import pytest
from logged import Logged, told
from tap_sql.errors import TapError


@pytest.fixture
def logged(source):
    source.execute("create table t (id int primary key, v text)")
    made = Logged.of(source)
    yield made
    made.clear()


def test_the_first_run_reads_the_whole_table_and_the_next_the_changes_since(logged):
    logged.execute("insert into t values (1, 'a'), (2, 'b')")
    first = logged.run()
    assert told(first) == [("snapshot", 1, "a"), ("snapshot", 2, "b")]
    logged.execute("insert into t values (3, 'c'); update t set v = 'B' where id = 2; delete from t where id = 1")
    second = logged.run(first.state)
    assert told(second) == [("insert", 3, "c"), ("update", 2, "B"), ("delete", 1, None)]
    deleted = [row["_sdc_deleted_at"] is not None for row in second.rows(f"{logged.schema}-t")]
    assert deleted == [False, False, True]
    third = logged.run(second.state)
    assert told(third) == []
    assert third.state == second.state


def test_transactions_come_in_the_order_of_their_commits_and_rolled_back_ones_never(logged):
    state = logged.run().state
    with logged.connect() as late:
        late.execute("insert into t values (1, 'begun first')")
        logged.execute("insert into t values (2, 'committed first')")
        with logged.connect() as undone:
            undone.execute("insert into t values (3, 'never')")
            undone.rollback()
        middle = logged.run(state)
    last = logged.run(middle.state)
    assert told(middle) == [("insert", 2, "committed first")]
    assert told(last) == [("insert", 1, "begun first")]


def test_all_rows_of_a_transaction_have_the_position_of_its_commit(logged):
    logged.execute("create table u (id int primary key)")
    state = logged.run().state
    logged.execute("insert into t values (1, 'a'); insert into u values (1); insert into t values (2, 'b')")
    logged.execute("insert into t values (3, 'c')")
    sent = logged.run(state)
    one, two, other = (row["_sdc_lsn"] for row in sent.rows(f"{logged.schema}-t"))
    (of_u,) = (row["_sdc_lsn"] for row in sent.rows(f"{logged.schema}-u"))
    assert one == two == of_u < other


def test_a_key_that_changes_is_one_row_deleted_and_one_that_came(logged):
    logged.execute("insert into t values (1, 'a')")
    state = logged.run().state
    logged.execute("update t set id = 9")
    assert told(logged.run(state)) == [("delete", 1, None), ("update", 9, "a")]


def test_a_truncate_says_that_no_key_is_left_and_keeps_its_place(logged):
    logged.execute("insert into t values (1, 'a')")
    state = logged.run().state
    logged.execute("insert into t values (2, 'b')")
    logged.execute("truncate t")
    logged.execute("insert into t values (3, 'c')")
    sent = logged.run(state)
    kinds = [("x-present-keys" in message, len(message["manifest"])) for message in sent.of("BATCH")]
    assert kinds == [(False, 1), (True, 0), (False, 1)]
    assert sent.of("BATCH")[1]["x-present-keys"]["set"]["_sdc_op"] == "truncate"


def test_a_table_that_joins_later_is_read_whole_and_the_others_go_on(logged):
    logged.execute("insert into t values (1, 'a')")
    state = logged.run().state
    logged.execute("create table u (id int primary key)")
    logged.execute("insert into u values (7); insert into t values (2, 'b')")
    sent = logged.run(state)
    assert told(sent) == [("insert", 2, "b")]
    assert told(sent, "u") == [("snapshot", 7)]
    logged.execute("insert into u values (8)")
    assert told(logged.run(sent.state), "u") == [("insert", 8)]


def test_columns_are_those_of_now_and_rows_of_before_lack_what_came_later(logged):
    state = logged.run().state
    logged.execute("insert into t values (1, 'a')")
    logged.execute("alter table t add column n int default 5")
    logged.execute("insert into t values (2, 'b', 6)")
    logged.execute("alter table t drop column v")
    logged.execute("insert into t values (3, 7)")
    logged.execute("alter table t alter column n type bigint")
    logged.execute("insert into t values (4, 5000000000)")
    assert told(logged.run(state)) == [
        ("insert", 1, None), ("insert", 2, 6), ("insert", 3, 7), ("insert", 4, 5_000_000_000),
    ]  # fmt: skip


def test_a_table_made_anew_is_read_whole(logged):
    logged.execute("insert into t values (1, 'a')")
    state = logged.run().state
    logged.execute("drop table t")
    logged.execute("create table t (id int primary key, v text)")
    logged.execute("insert into t values (2, 'b')")
    sent = logged.run(state)
    assert told(sent) == [("snapshot", 2, "b")]
    assert sent.of("BATCH")[-1]["x-present-keys"]["last"] is True


def test_the_slot_is_moved_on_only_to_where_the_bookmarks_were_when_the_run_began(logged):
    first = logged.run()
    logged.execute("insert into t values (1, 'a')")
    second = logged.run(first.state)
    assert logged.slot() == logged.bookmark(first)
    again = logged.run(first.state)  # as after a run that was killed before its commit
    assert told(again) == told(second) == [("insert", 1, "a")]
    logged.run(second.state)
    assert logged.slot() == logged.bookmark(second)


def test_a_run_that_fails_confirms_nothing(logged):
    state = logged.run().state
    before = logged.slot()
    logged.execute("alter table t add column n int; alter table t alter column v set storage external")
    logged.execute("insert into t values (1, repeat('x', 9000), 1)")
    logged.execute("update t set n = 2")
    logged.execute("alter table t replica identity full")
    with pytest.raises(TapError, match="long value"):
        logged.run(state)
    assert logged.slot() == before


def test_a_quiet_table_holds_the_log_back_by_a_segment_at_most(logged):
    logged.execute("create table busy (id int primary key, v text)")
    state = logged.run().state
    logged.execute("insert into busy select i, repeat(md5(i::text), 30) from generate_series(1, 20000) i")
    sent = logged.run(state)
    assert logged.bookmark(sent, "t") == logged.bookmark(sent, "busy")


def test_long_values_that_an_update_leaves_alone_come_from_the_old_row(logged):
    logged.execute("alter table t replica identity full; alter table t alter column v set storage external")
    logged.execute("alter table t add column n int")
    logged.execute("insert into t values (1, repeat('x', 9000), 1)")
    state = logged.run().state
    logged.execute("update t set n = 2")
    logged.execute("delete from t")
    long = "x" * 9000
    assert told(logged.run(state)) == [("update", 1, long, 2), ("delete", 1, long, 2)]


def test_long_values_that_the_log_leaves_out_stop_the_run_or_have_the_table_read_whole(logged):
    logged.execute("alter table t alter column v set storage external; alter table t add column n int")
    state = logged.run().state
    logged.execute("insert into t values (1, repeat('x', 9000), 1)")
    logged.execute("update t set n = 2")
    logged.execute("alter table t replica identity full")
    with pytest.raises(TapError, match=r"long value in v .* Next: alter table .* replica identity full"):
        logged.run(state)
    sent = logged.run(state, on_lost_changes="resnapshot")
    long = "x" * 9000
    assert told(sent) == [("insert", 1, long, 1), ("snapshot", 1, long, 2)]
    logged.execute("update t set n = 3")
    assert told(logged.run(sent.state)) == [("update", 1, long, 3)]


def test_a_deletion_arrives_whatever_else_the_deleted_row_held(logged):
    logged.execute("alter table t add valid_to timestamp, add n numeric(5,2); alter table t replica identity full")
    logged.execute("insert into t values (1, 'a', '2020-01-01', 1), (2, 'b', '2020-01-01', 1)")
    state = logged.run().state
    logged.execute("update t set valid_to = 'infinity' where id = 1; update t set n = 'NaN' where id = 2")
    logged.execute("delete from t; insert into t values (2, 'again', '2021-01-01', 1)")
    sent = logged.run(state)
    assert [(row[0], row[1], row[2]) for row in told(sent)] == [
        ("delete", 1, None), ("delete", 2, None), ("insert", 2, "again"),
    ]  # fmt: skip
    assert len(sent.rejects) == 2, "the two updates"


@pytest.mark.parametrize(
    ("before", "after", "using", "value"),
    [
        ("text", "boolean", "v = '1'", "'1'"),
        pytest.param("text", "bytea", "v::bytea", "'abc'", marks=pytest.mark.soak),
        pytest.param("timestamp", "timestamptz", "v", "'2017-01-01'", marks=pytest.mark.soak),
        pytest.param("boolean", "text", "v", "true", marks=pytest.mark.soak),
    ],
)
def test_text_that_was_logged_under_another_type_is_not_taken_for_a_value(logged, before, after, using, value):
    logged.execute(f"drop table t; create table t (id int primary key, v {before})")
    state = logged.run().state
    logged.execute(f"insert into t values (1, {value})")
    logged.execute(f"alter table t alter v type {after} using {using}")
    logged.execute(f"insert into t values (2, {value})")
    with pytest.raises(TapError, match=r"before v got another type.* Next: run once with on_lost_changes=resnapshot"):
        logged.run(state)
    sent = logged.run(state, on_lost_changes="resnapshot")
    assert [(op, key) for op, key, _ in told(sent)] == [("snapshot", 1), ("snapshot", 2)]


def test_a_slot_that_is_gone_stops_the_run_or_has_the_tables_read_whole(logged):
    logged.execute("insert into t values (1, 'a')")
    state = logged.run().state
    logged.drop_slot()
    logged.execute("insert into t values (2, 'b')")
    with pytest.raises(TapError, match=r"changes are lost .* the slot is gone.* Next: run once with on_lost_changes"):
        logged.run(state)
    sent = logged.run(state, on_lost_changes="resnapshot")
    assert told(sent) == [("snapshot", 1, "a"), ("snapshot", 2, "b")]
    logged.execute("insert into t values (3, 'c')")
    assert told(logged.run(sent.state)) == [("insert", 3, "c")]


def test_a_slot_that_somebody_else_moved_on_is_a_loss(logged):
    state = logged.run().state
    logged.execute("set synchronous_commit = on; insert into t values (1, 'a')")
    logged.execute(f"select pg_replication_slot_advance('{logged.schema}', pg_current_wal_insert_lsn())")
    with pytest.raises(TapError, match=r"the slot stands at .* already"):
        logged.run(state)


def test_a_bookmark_beyond_the_end_of_the_log_is_a_loss(logged):
    """As on a server restored from a snapshot of its disk: it has its name and its slot still, and a shorter log."""
    logged.execute("insert into t values (1, 'a')")
    state = logged.run().state
    state["bookmarks"][f"{logged.schema}-t"]["lsn"] = "FF/0"
    with pytest.raises(TapError, match=r"changes are lost .* the log ends at .* put back to an earlier state"):
        logged.run(state)
    sent = logged.run(state, on_lost_changes="resnapshot")
    assert told(sent) == [("snapshot", 1, "a")]
    assert logged.run(sent.state).state == sent.state


def test_a_slot_that_the_server_gave_up_is_made_anew_when_that_is_wanted(logged):
    logged.execute("insert into t values (1, 'a')")
    state = logged.run().state
    logged.server.execute("alter system set max_slot_wal_keep_size = '1MB'")
    logged.server.execute("select pg_reload_conf()")
    try:
        for _ in range(4):
            logged.execute("insert into t values (2, 'b'); delete from t where id = 2")
            logged.server.execute("select pg_switch_wal()")
        logged.server.execute("checkpoint")
        with pytest.raises(TapError, match="the server has given it up"):
            logged.run(state)
        sent = logged.run(state, on_lost_changes="resnapshot")
    finally:
        logged.server.execute("alter system reset max_slot_wal_keep_size")
        logged.server.execute("select pg_reload_conf()")
    assert told(sent) == [("snapshot", 1, "a")]
    logged.execute("insert into t values (3, 'c')")
    assert told(logged.run(sent.state)) == [("insert", 3, "c")]


def test_what_the_slot_keeps_is_told_and_warned_of(logged, caplog):
    with caplog.at_level("INFO"):
        state = logged.run().state
        assert "nothing bounds what the server keeps" in caplog.text
        assert "Next: alter system set max_slot_wal_keep_size" in caplog.text
        logged.execute("insert into t select i, repeat('x', 500) from generate_series(1, 5000) i")
        logged.run(state, slot_warning_bytes=1_000_000)
    assert f"the stream furthest behind is {logged.schema}-t" in caplog.text
    assert "more than slot_warning_bytes" in caplog.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("drop publication {p}", 'Next, as the tables\' owner: create publication "{p}" for table "{p}"."t"'),
        ("alter publication {p} set (publish = 'insert')", "leaves out some operations. Next: alter publication"),
        ("alter publication {p} drop tables in schema {p}", 'it is not published. Next: alter publication "{p}" add'),
        ("alter table t drop constraint t_pkey", "it has no primary key. Next: give it one"),
        ("alter table t replica identity nothing", "Next: alter table {q} replica identity default"),
        ("alter table t add column g int generated always as (id * 2) stored", "g not published. Next: publish or"),
        ("alter table t alter v set storage external; insert into t values (1, repeat('x', 9000))", "replica identity"),
    ],
)  # fmt: skip
def test_a_table_whose_changes_are_not_in_the_log_is_refused_with_the_statement_that_helps(logged, change, said):
    names = {"p": logged.schema, "q": f'"{logged.schema}"."t"'}
    logged.execute(change.format(**names))
    with pytest.raises(TapError) as refused:
        logged.run()
    assert said.format(**names) in str(refused.value)


def test_a_role_without_the_right_to_replicate_is_told_what_to_ask_for(logged):
    logged.server.execute("alter role reader noreplication")
    try:
        with pytest.raises(TapError, match=r"Next: alter role reader replication"):
            logged.run()
    finally:
        logged.server.execute("alter role reader replication")


def test_mysql_says_what_to_use_instead(mariadb, source):
    mariadb.execute(
        "create database if not exists logless", "create table if not exists logless.t (id int primary key)"
    )
    logged = Logged.__new__(Logged)
    logged.server, logged.schema, logged.stage = mariadb, "logless", source.stage
    with pytest.raises(TapError, match="Next: set replication-method to INCREMENTAL or FULL_TABLE"):
        logged.run()
    mariadb.execute("drop database logless")
