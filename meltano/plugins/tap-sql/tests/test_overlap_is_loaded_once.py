"""A source without row versions is read again behind its bookmark, and the lake holds every version once all the same:
MariaDB and views of PostgreSQL, tap and target.
"""

from __future__ import annotations

import logging

import pytest
from lake import Lake, sync
from tap_sql.errors import TapError

TABLE = "create table t (id int primary key, v varchar(20), updated_at datetime(6))"


class Shop:
    """A database of the server, and a lake it is loaded into."""

    def __init__(self, server, folder):
        self.server, self.lake, self.stage = server, Lake(folder / "lake"), folder / "stage"
        server.execute("drop database if exists again", "create database again")

    def execute(self, *statements):
        self.server.execute("use again", *statements)

    def writer(self):
        return self.server.connect(database="again")

    def run(self, key="updated_at", rejects_limit=1, **settings):
        """One run of tap and target; returns the rows of t, in the order they were loaded."""
        metadata = {"selected": True, "replication-method": "INCREMENTAL", "replication-key": key}
        catalog = {"streams": [{"tap_stream_id": "again-t", "metadata": [{"breadcrumb": [], "metadata": metadata}]}]}
        sync(self.config | settings, catalog, self.lake, rejects_limit=rejects_limit)
        return self.lake.rows("t")

    @property
    def config(self):
        return {"url": self.server.reader_url, "schemas": ["again"], "stage_dir": str(self.stage)}


@pytest.fixture
def shop(mariadb, tmp_path):
    return Shop(mariadb, tmp_path)


def ids(rows):
    return [row["id"] for row in rows]


def test_a_run_that_finds_nothing_new_commits_nothing(shop, caplog):
    shop.execute(TABLE, "insert into t values (1, 'a', '2017-01-01'), (2, 'b', '2017-01-01 10:00')")
    assert ids(shop.run()) == [1, 2]
    with caplog.at_level(logging.INFO):
        assert ids(shop.run()) == [1, 2]
    assert shop.lake.commits("t") == 1
    assert "2 rows of the overlap stand in raw.t already" in caplog.text


def test_changed_and_new_rows_of_the_overlap_are_loaded_once(shop):
    shop.execute(TABLE, "insert into t values (1, 'a', '2017-01-01'), (2, 'b', '2017-01-01 10:00')")
    shop.run()
    shop.execute(
        "update t set v = 'c', updated_at = '2017-01-01 11:00' where id = 1",
        "insert into t values (3, 'd', '2017-01-01 10:00')",
    )
    assert ids(shop.run()) == [1, 2, 1, 3]
    assert ids(shop.run()) == [1, 2, 1, 3]


def test_a_row_that_changed_without_its_time_is_a_version_too(shop):
    shop.execute(TABLE, "insert into t values (1, 'a', '2017-01-01')")
    shop.run()
    shop.execute("update t set v = 'b'")
    assert [row["v"] for row in shop.run()] == ["a", "b"]
    shop.execute("update t set v = 'a'")
    assert [row["v"] for row in shop.run()] == ["a", "b", "a"]
    shop.execute("update t set v = null")
    assert [row["v"] for row in shop.run()] == ["a", "b", "a", None]
    assert len(shop.run()) == 4


def test_a_transaction_that_commits_late_is_read_once(shop):
    shop.execute(TABLE, "insert into t values (1, 'a', '2017-01-01 10:00')")
    late = shop.writer()
    with late.cursor() as cursor:
        cursor.execute("insert into t values (2, 'late', '2017-01-01 09:00')")
        cursor.execute("update t set v = 'late', updated_at = '2017-01-01 09:30' where id = 1")
    shop.execute("insert into t values (3, 'in time', '2017-01-01 11:00')")
    assert ids(shop.run()) == [1, 3]
    late.commit()
    late.close()
    assert [(row["id"], row["v"]) for row in shop.run()] == [(1, "a"), (3, "in time"), (1, "late"), (2, "late")]
    assert len(shop.run()) == 4


def test_a_number_that_commits_late_is_read_once(shop):
    shop.execute(TABLE, "insert into t values (1, 'a', null)")
    late = shop.writer()
    with late.cursor() as cursor:
        cursor.execute("insert into t values (2, 'late', null)")
    shop.execute("insert into t values (3, 'in time', null)")
    assert ids(shop.run(key="id")) == [1, 3]
    late.commit()
    late.close()
    assert ids(shop.run(key="id")) == [1, 3, 2]
    assert ids(shop.run(key="id", overlap_keys=0)) == [1, 3, 2]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint unsigned", ("9", "10", "18446744073709551615")),
        pytest.param("date", ("'2017-12-14'", "'2017-12-15'", "'2017-12-16'"), marks=pytest.mark.soak),
    ],
)
def test_a_key_of_another_kind_goes_on_run_after_run(shop, kind, values):
    one, two, three = values
    shop.execute(f"create table t (id int primary key, k {kind})", f"insert into t values (1, {one})")
    assert ids(shop.run(key="k")) == [1]
    shop.execute(f"insert into t values (2, {two}), (3, {three})")
    for _ in range(2):
        assert ids(shop.run(key="k", overlap_keys=0)) == [1, 2, 3]


@pytest.mark.soak
def test_a_key_that_has_no_way_back_is_refused_with_what_to_do(shop):
    shop.execute("create table t (id varchar(9) primary key)", "insert into t values ('a')")
    shop.run(key="id")
    with pytest.raises(TapError, match=r"replication-key id is varchar\(9\).* Next: set replication-key to a number"):
        shop.run(key="id")


def test_an_older_state_of_a_row_that_comes_back_is_loaded(shop):
    """Its first version stands in the overlap, its second with an older time does not; the first is the source's."""
    shop.execute(TABLE, "insert into t values (1, 'a', '2017-01-03'), (2, 'x', '2017-01-03')")
    shop.run()
    shop.execute("update t set v = 'b', updated_at = '2017-01-02' where id = 1")
    assert ids(shop.run(overlap_seconds=86_400)) == [1, 2, 1]
    shop.execute("update t set v = 'a', updated_at = '2017-01-03' where id = 1")
    assert [row["v"] for row in shop.run(overlap_seconds=60)] == ["a", "x", "b", "a"]


def test_rows_without_a_time_are_loaded_once(shop):
    shop.execute(TABLE, "insert into t values (1, 'a', null)")
    shop.run()
    shop.execute("insert into t values (2, 'b', null)")
    assert ids(shop.run()) == [1, 2]
    shop.execute("insert into t values (3, 'c', '2017-01-01')")
    assert ids(shop.run()) == [1, 2, 3]
    assert ids(shop.run()) == [1, 2, 3]


def test_a_table_without_a_key_is_loaded_as_often_as_its_rows_stand_there(shop):
    shop.execute(
        "create table t (id int, updated_at datetime)", "insert into t values (1, '2017-01-01'), (1, '2017-01-01')"
    )
    assert ids(shop.run()) == [1, 1]
    assert ids(shop.run()) == [1, 1]
    shop.execute("insert into t values (1, '2017-01-01'), (2, '2017-01-01')")
    assert ids(shop.run()) == [1, 1, 1, 2]


def test_a_key_of_several_columns_is_compared_whole(shop):
    shop.execute(
        "create table t (id int, line varchar(9), v double, updated_at datetime, primary key (id, line))",
        "insert into t values (1, 'a', 1, '2017-01-01'), (1, 'b', null, '2017-01-01')",
    )
    shop.run()
    shop.execute("update t set v = 2 where line = 'b'", "insert into t values (2, 'a', 1, '2017-01-01')")
    assert [(row["id"], row["line"]) for row in shop.run()] == [(1, "a"), (1, "b"), (1, "b"), (2, "a")]


def test_a_reject_of_the_overlap_is_kept_once(shop):
    shop.execute(
        "create table t (id int primary key, paid tinyint(1), updated_at datetime)",
        "insert into t values (1, 1, '2017-01-01'), (2, 2, '2017-01-01')",
    )
    for _ in range(3):
        assert ids(shop.run(rejects_limit=0.5)) == [1]
    shop.execute("insert into t values (3, 0, '2017-01-01'), (4, 4, '2017-01-01')")
    assert ids(shop.run(rejects_limit=0.5)) == [1, 3]
    assert ["4 is no boolean" in row["reason"] for row in shop.lake.rejects()].count(True) == 1
    assert len(shop.lake.rejects()) == 2


def test_a_column_that_is_added_reaches_the_rows_of_the_overlap(shop):
    shop.execute(TABLE, "insert into t values (1, 'a', '2017-01-01')")
    shop.run()
    shop.execute("alter table t add fresh int default 5")
    assert [row["fresh"] for row in shop.run()] == [None, 5]
    assert len(shop.run()) == 2
    shop.execute("alter table t drop fresh")
    assert len(shop.run()) == 2


def test_a_restored_lake_goes_on_where_it_stands(shop):
    shop.execute(TABLE, "insert into t values (1, 'a', '2017-01-01')")
    shop.run()
    state = shop.lake.state
    shop.execute("insert into t values (2, 'b', '2017-01-02')")
    shop.run()
    shop.lake.state = state
    with pytest.raises(Exception, match="Next: run again"):
        shop.run()


def test_a_view_of_postgresql_is_loaded_once(source, tmp_path):
    source.execute("create table t (id int primary key, updated_at timestamptz); create view v as select * from t")
    source.execute("insert into t values (1, '2017-01-01 10:00+00'), (2, '2017-01-01 11:00+00')")
    lake, catalog = Lake(tmp_path / "lake"), source.selected()
    catalog["streams"] = [entry for entry in catalog["streams"] if entry["table_name"] == "v"]

    def run():
        sync(source.config, catalog, lake)
        return ids(lake.rows("v"))

    assert run() == [1, 2]
    source.execute("insert into t values (3, '2017-01-01 10:30+00')")
    assert run() == [1, 2, 3]
    assert run() == [1, 2, 3]


class Keyless:
    """A table t of PostgreSQL without a key, where two rows are equal, and the lake it is loaded into."""

    def __init__(self, source, folder):
        self.source, self.lake = source, Lake(folder / "lake")
        source.execute("create table t (a int, b int); insert into t values (1, 1), (1, 1), (2, 2)")

    def run(self, key="a", table="t", **settings):
        catalog = self.source.selected(key)
        catalog["streams"] = [entry for entry in catalog["streams"] if entry["table_name"] == table]
        sync(self.source.config | settings, catalog, self.lake)
        return sorted((row["a"], row["b"]) for row in self.lake.rows(table))


@pytest.fixture
def keyless(source, tmp_path):
    return Keyless(source, tmp_path)


ROWS, ADDED = [(1, 1), (1, 1), (2, 2)], [(1, 1), (1, 1), (1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize(
    ("first", "change", "second"),
    [
        ("a", "select 1", "b"),
        pytest.param(None, "select 1", "a", marks=pytest.mark.soak),
        pytest.param(  # as a dump restores it
            "a", "alter table t rename to old; create table t as select * from old", "a", marks=pytest.mark.soak
        ),
    ],
)
def test_a_table_without_a_key_that_is_read_from_the_start_again_is_loaded_once(keyless, first, change, second):
    assert keyless.run(first) == ROWS
    keyless.source.execute(f"{change}; insert into t values (1, 1), (3, 3)")
    assert keyless.run(second, part_rows=1) == ADDED
    assert keyless.run(second, part_rows=1) == ADDED


def test_a_materialised_view_is_read_like_a_view_and_loaded_once(keyless):
    keyless.source.execute("create materialized view m as select * from t")
    assert keyless.run(table="m") == ROWS
    keyless.source.execute("insert into t values (1, 1), (3, 3)")
    for _ in range(2):
        keyless.source.execute("refresh materialized view m")
        assert keyless.run(table="m") == ADDED


@pytest.mark.soak
def test_a_mysql_table_without_a_key_gets_another_replication_key_and_is_loaded_once(shop):
    shop.execute("create table t (id int, b int)", "insert into t values (1, 1), (1, 1), (2, 2)")
    shop.run(key="id")
    shop.execute("insert into t values (3, 3)")
    assert sorted(ids(shop.run(key="b"))) == [1, 1, 2, 3]
