"""The marts equal the package's Parquet to the cent: revenue, orders, units per day, month, department and customer."""

from decimal import Decimal

import polars as pl
import pytest

from shopsphere import oracle

CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def truth(company):
    def expected(by):
        return oracle.expected(by, company.scale, company.clock)

    return expected


def rows(lake, sql):
    return lake.execute(sql).fetchall()


def in_dollars(frame: pl.DataFrame, *columns):
    return [(*row[:-1], row[-1] * CENT) for row in frame.select(*columns, "revenue_cents").iter_rows()]


def test_revenue_orders_and_units_of_every_day(lake, truth):
    found = rows(
        lake,
        "select revenue_date, transaction_count, units, total_revenue from finance.daily_revenue "
        "join (select order_date, sum(units)::bigint as units from core.fct_orders group by 1) "
        "on order_date = revenue_date "
        "order by 1",
    )
    assert found == in_dollars(truth("day"), "day", "orders", "units")


def test_a_day_without_an_order_has_a_row_of_zeros(lake, truth, company):
    sold = set(truth("day")["day"])
    quiet = rows(lake, "select revenue_date from finance.daily_revenue where transaction_count = 0 order by 1")
    assert not sold & {day for (day,) in quiet}
    [(first, last, days)] = rows(
        lake, "select min(revenue_date), max(revenue_date), count(*) from finance.daily_revenue"
    )
    assert (first, last) == (min(sold), max(sold))
    assert days == (last - first).days + 1
    [(gaps,)] = rows(
        lake, "select count(*) from finance.daily_revenue where transaction_count = 0 and total_revenue <> 0"
    )
    assert gaps == 0


def test_revenue_of_every_month(lake, truth):
    found = rows(lake, "select month, monthly_revenue from finance.monthly_revenue order by 1")
    assert found == in_dollars(truth("month"), "month")


def test_revenue_of_every_department_and_day(lake, truth):
    found = rows(
        lake,
        "select sale_date, department, daily_revenue from finance.daily_category_sales "
        "where daily_revenue <> 0 order by 1, 2",
    )
    expected = in_dollars(truth("day and department"), "day", "department")
    known = [row for row in expected if row[1] is not None and row[2] != 0]
    assert [row for row in found if row[1] in {department for _, department, _ in known}] == sorted(known)
    unknown = sum(row[2] for row in expected if row[1] is None)
    assert sum(row[2] for row in found) == sum(row[2] for row in known) + unknown


def test_revenue_orders_and_units_of_every_customer(lake, truth):
    found = rows(
        lake,
        "select customer_id, count(*), sum(units)::bigint, sum(revenue) from core.fct_orders group by 1 order by 1",
    )
    assert found == in_dollars(truth("customer"), "customer_id", "orders", "units")


def test_segments_and_features_add_up_to_the_same_revenue(lake, truth):
    total = sum(truth("customer")["revenue_cents"]) * CENT
    [(segments,)] = rows(lake, "select sum(monetary) from growth.customer_segments")
    [(features,)] = rows(
        lake,
        "select sum(total_spent) from ml.customer_features where as_of = (select max(as_of) from ml.customer_features)",
    )
    assert (segments, features) == (total, total)


def test_every_line_of_the_source_is_in_the_facts_or_in_quarantine(lake, truth):
    lines = truth("customer")["lines"].sum()
    [(facts,)] = rows(lake, "select count(*) from core.fct_order_items")
    [(quarantined,)] = rows(
        lake, "select count(*) from quality.quarantine where source_table in ('order_items', 'raw_shop.order_items')"
    )
    assert facts + quarantined == lines
