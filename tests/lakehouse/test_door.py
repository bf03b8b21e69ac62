"""DuckDB through the door: every kind of write, read back by DuckDB and by PyIceberg."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest
from pyiceberg.exceptions import NoSuchTableError

from ecommerce_pipeline.lakehouse.catalog import open_catalog
from tests.lakehouse.conftest import files_of

ORDERS = (
    "select i::bigint as id, date '2017-01-01' + i::int as day, (i * 1.25)::decimal(12, 2) as total from range(90) t(i)"
)


def rows(settings, table: str, **scan) -> list[dict]:
    arrow = open_catalog(settings).load_table(table).scan(**scan).to_arrow()
    return sorted(arrow.to_pylist(), key=lambda row: row["id"])


@pytest.fixture
def lake(embedded, session):
    with session(embedded) as connection:
        connection.execute("create schema lake.shop")
        connection.execute(f"create table lake.shop.orders as {ORDERS}")
        yield connection


def test_a_table_created_from_a_query_is_read_alike_by_duckdb_and_pyiceberg(lake, embedded):
    columns = ("id", "day", "total")
    in_duckdb = [
        dict(zip(columns, row, strict=True)) for row in lake.execute("from lake.shop.orders order by id").fetchall()
    ]
    assert in_duckdb == rows(embedded, "shop.orders")
    assert len(in_duckdb) == 90


def test_rows_inserted_updated_and_deleted_stay_so(lake, embedded):
    lake.execute("insert into lake.shop.orders values (100, date '2018-01-01', 5)")
    lake.execute("update lake.shop.orders set total = 7 where id = 1")
    lake.execute("delete from lake.shop.orders where id between 10 and 89")
    found = rows(embedded, "shop.orders")
    assert [row["id"] for row in found] == [*range(10), 100]
    assert found[1]["total"] == 7


def test_a_merge_updates_what_matches_and_inserts_the_rest(lake, embedded):
    lake.execute(
        "merge into lake.shop.orders t "
        "using (values (1, date '2017-05-05', 9.99), (200, date '2017-06-06', 1)) s(id, day, total) "
        "on t.id = s.id when matched then update by name when not matched then insert by name"
    )
    found = {row["id"]: row for row in rows(embedded, "shop.orders")}
    assert len(found) == 91
    assert found[1]["day"] == date(2017, 5, 5)
    assert found[200]["day"] == date(2017, 6, 6)


def test_a_column_added_is_null_in_the_rows_before_it(lake, embedded):
    lake.execute("alter table lake.shop.orders add column note varchar")
    lake.execute("insert into lake.shop.orders values (100, date '2018-01-01', 5, 'new')")
    found = rows(embedded, "shop.orders")
    assert (found[0]["note"], found[-1]["note"]) == (None, "new")


def test_an_earlier_snapshot_can_still_be_read(lake, embedded):
    before = open_catalog(embedded).load_table("shop.orders").current_snapshot().snapshot_id
    lake.execute("delete from lake.shop.orders where id < 80")
    then = lake.execute(f"select count(*) from lake.shop.orders at (version => {before})").fetchone()[0]
    assert (then, lake.execute("select count(*) from lake.shop.orders").fetchone()[0]) == (90, 10)


def test_a_partitioned_table_has_its_partitions(lake, embedded):
    lake.execute("create table lake.shop.by_month partitioned by (month(day), bucket(2, id)) as from lake.shop.orders")
    table = open_catalog(embedded).load_table("shop.by_month")
    assert [str(field.transform) for field in table.spec().fields] == ["month", "bucket[2]"]
    february = rows(embedded, "shop.by_month", row_filter="day >= '2017-02-01' and day < '2017-03-01'")
    assert [row["id"] for row in february] == list(range(31, 59))


def test_a_concurrent_commit_is_answered_409_and_loses_nothing(lake, embedded, session):
    lake.execute("begin")
    lake.execute("delete from lake.shop.orders where id = 1")
    with session(embedded) as other:
        other.execute("insert into lake.shop.orders values (100, date '2018-01-01', 5)")
    with pytest.raises(duckdb.Error, match="409"):
        lake.execute("commit")
    assert [row["id"] for row in rows(embedded, "shop.orders")] == [*range(90), 100]


def test_a_transaction_over_two_tables_lands_whole_or_not_at_all(lake, embedded, session):
    lake.execute(f"create table lake.shop.lines as {ORDERS}")
    lake.execute("begin")
    lake.execute("delete from lake.shop.lines where id < 50")
    lake.execute("delete from lake.shop.orders where id < 50")
    with session(embedded) as other:
        other.execute("insert into lake.shop.orders values (100, date '2018-01-01', 5)")
    with pytest.raises(duckdb.Error, match="409"):
        lake.execute("commit")
    assert (len(rows(embedded, "shop.lines")), len(rows(embedded, "shop.orders"))) == (90, 91)


def test_a_drop_unregisters_and_deletes_no_file(lake, embedded):
    before = files_of(embedded)
    lake.execute("drop table lake.shop.orders")
    with pytest.raises(NoSuchTableError):
        open_catalog(embedded).load_table("shop.orders")
    assert files_of(embedded) == before


def test_what_the_lake_does_not_have_is_an_error_that_names_it(lake):
    with pytest.raises(duckdb.Error, match="nothing_here"):
        lake.execute("from lake.shop.nothing_here")
    with pytest.raises(duckdb.Error, match="orders"):
        lake.execute("create table lake.shop.orders as select 1 as id")


def test_the_door_listens_on_loopback_only(embedded):
    from ecommerce_pipeline.lakehouse.rest_door import serve

    with serve(open_catalog(embedded)) as door:
        assert door.server.server_address[0] == "127.0.0.1"
