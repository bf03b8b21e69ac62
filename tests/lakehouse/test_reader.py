"""A reader's connection: reads everything, changes nothing."""

from __future__ import annotations

import duckdb
import pytest

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.contents import fragments
from ecommerce_pipeline.lakehouse.tables import table_statuses
from tests.lakehouse.iceberg import versions, write


@pytest.mark.parametrize(
    "statement",
    [
        "insert into core.orders values (9, 9)",
        "delete from core.orders",
        "drop table core.orders",
        "create table lake.core.mine as select 1 as id",
    ],
)
def test_a_reader_cannot_write(embedded, statement):
    write(embedded, "core.orders", 1)
    with reader.connect(embedded) as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute(statement)
    assert versions(embedded) == {"core.orders": 1}


def test_the_door_refuses_writes_even_from_a_client_that_does_not_know(embedded):
    import http.client

    from ecommerce_pipeline.lakehouse.rest_door import serve

    write(embedded, "core.orders", 1)
    with serve(open_catalog(embedded), read_only=True) as door:
        client = http.client.HTTPConnection(door.url.removeprefix("http://"))
        client.request("DELETE", "/v1/lake/namespaces/core/tables/orders?purgeRequested=true")
        assert client.getresponse().status == 403
    assert versions(embedded) == {"core.orders": 1}


def test_an_empty_lake_can_be_opened(embedded):
    with reader.connect(embedded) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_times_are_utc_and_integers_divide_as_in_trino(embedded):
    with reader.connect(embedded) as connection:
        assert connection.execute("select current_setting('TimeZone'), 1 / 2").fetchone() == ("UTC", 0)


def test_the_statuses_count_rows_as_a_query_does_after_deletes_and_merges(embedded, session, rebuild):
    with session(embedded) as connection:
        rebuild(connection, "core.lines", "select i as id, 1 as v from range(100) t(i)")
        connection.execute("delete from lake.core.lines where id % 3 = 0")
        connection.execute("update lake.core.lines set v = 2 where id < 50")
        connection.execute("insert into lake.core.lines values (1000, 1)")
        expected = connection.execute("select count(*) from lake.core.lines").fetchone()[0]
    (status,) = table_statuses(embedded)
    assert (status.namespace, status.name, status.rows) == ("core", "lines", expected)
    assert status.snapshots >= 4
    assert status.bytes > 0


def test_fragments_are_what_came_after_the_table_was_last_written_whole(embedded, session, rebuild):
    def count() -> int:
        return fragments(open_catalog(embedded).load_table("core.lines").metadata)

    with session(embedded) as connection:
        rebuild(
            connection, "core.lines", "select i as id, 1 as v from range(100) t(i)", "partitioned by (bucket(4, id))"
        )
        assert count() == 0
        connection.execute("insert into lake.core.lines values (1000, 1)")
        assert count() == 1
        connection.execute("delete from lake.core.lines where id = 3")
        assert count() == 2
        rebuild(
            connection, "core.lines", "select i as id, 1 as v from range(100) t(i)", "partitioned by (bucket(4, id))"
        )
        assert count() == 0
