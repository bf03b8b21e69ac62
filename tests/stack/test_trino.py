"""Trino reads no more than a question needs, plans with statistics, and spreads its work over its nodes."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from ecommerce_pipeline.lakehouse import branch, reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.operations import stack as servers
from ecommerce_pipeline.operations.stack.trino import as_user
from ecommerce_pipeline.settings import Settings

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]
DECEMBER = {
    "core.fct_orders": "order_date >= date '2017-12-01'",
    "core.fct_order_items": "order_date >= date '2017-12-01'",
    "staging.stg_web__events": "occurred_at >= timestamp '2017-12-01 00:00:00 UTC'",
}

MERGE = """merge into core.fct_order_items as held
using (select order_id, product_id from core.fct_order_items where order_date = date '2017-12-15') as fresh
on held.order_id = fresh.order_id and held.product_id = fresh.product_id
when matched then update set quantity = held.quantity"""


def bytes_read(settings: Settings, sql: str, name: str = "lake") -> int:
    with reader.connect(settings, name) as trino:
        cursor = trino.execute(sql)
        cursor.fetchall()
        return int(cursor.stats["physicalInputBytes"])


@pytest.mark.parametrize("table", DECEMBER)
def test_a_month_is_read_without_its_year(company_on_stack, table):
    settings = company_on_stack.settings
    orders = f"select count(distinct order_id) from {table}"
    year = bytes_read(settings, orders)
    month = bytes_read(settings, f"{orders} where {DECEMBER[table]}")
    assert 0 < month < year / 6  # half of December of eleven and a half months


@pytest.mark.parametrize(("table", "column"), [("core.fct_orders", "customer_id"), ("core.dim_products", "product_id")])
def test_a_join_is_planned_by_how_many_keys_there_are(company_on_stack, table, column):
    with reader.connect(company_on_stack.settings) as trino:
        told = {row[0]: row[2] for row in trino.execute(f"show stats for {table}").fetchall()}
        [(keys,)] = trino.execute(f"select count(distinct {column}) from {table}").fetchall()
    assert told[column] == pytest.approx(keys, rel=0.1)


def test_a_merge_reads_of_its_target_only_the_months_it_touches(company_on_stack):
    """Its key reaches the scan of the target as a dynamic filter, and every file keeps the range of its keys."""
    settings = company_on_stack.settings
    year = bytes_read(settings, "select count(distinct order_id) from core.fct_order_items")
    branch.create(settings, "lake_next")
    try:
        read = bytes_read(settings, MERGE, "lake_next")
    finally:
        branch.drop(settings, "lake_next")
    assert 0 < read < year / 4


@pytest.fixture
def two_nodes(stack):
    servers.start(stack.model_copy(update={"trino_workers": 1}))
    yield stack
    servers.start(stack)  # without the worker, it ends


def test_one_query_is_worked_on_by_both_nodes(two_nodes):
    catalog = open_catalog(two_nodes)
    catalog.create_namespace_if_not_exists("finance")
    rows = pa.table({"key": pa.array(range(20_000), pa.int64())})
    table = catalog.create_table("finance.spread", rows.schema)
    for _ in range(4):  # a file each, a split each
        table.append(rows)
    until = time.monotonic() + 30  # the scheduler looks for nodes every five seconds
    while (nodes := nodes_at_work(two_nodes)) != ["trino", "trino-worker-1"] and time.monotonic() < until:
        time.sleep(1)
    assert nodes == ["trino", "trino-worker-1"]


def nodes_at_work(settings: Settings) -> list[str]:
    """The nodes that read rows for one query over all of finance.spread."""
    with reader.connect(settings) as trino:
        cursor = trino.execute("select key % 7, count(*) from finance.spread group by 1 order by 1")
        assert sum(count for _, count in cursor.fetchall()) == 80_000
        query = cursor.stats["queryId"]
    with reader.connect(as_user(settings, "admin")) as trino:
        worked = trino.execute(
            "select node_id, sum(raw_input_rows) from system.runtime.tasks "
            f"where query_id = '{query}' group by 1 order by 1"
        ).fetchall()
    return [node for node, rows in worked if rows]
