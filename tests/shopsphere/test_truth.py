"""What is real stays real: the seeded rows against the oracle, which reads the package by itself."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import psycopg
import pytest

from shopsphere import company, oracle
from tests.shopsphere.conftest import SCALE, SEVEN_DAYS_LATER, Running


@pytest.fixture(scope="module")
def lines(straight: Running) -> pl.DataFrame:
    orders = straight.table("shop.orders").select("order_id", "customer_id", pl.col("placed_at").dt.date().alias("day"))
    products = straight.table("catalog.products").select("product_id", "department")
    rows = straight.table("shop.order_items").join(orders, on="order_id").join(products, on="product_id", how="left")
    return rows.with_columns(pl.col("day").dt.month_start().alias("month"))


@pytest.mark.parametrize("by", ["day", "month", "department", "customer", "day and department"])
def test_seeded_lines_equal_the_oracle(lines: pl.DataFrame, by: oracle.By) -> None:
    keys = oracle.KEYS[by]
    found = lines.group_by(keys).agg(
        (pl.col("sales_value").sum() * 100).cast(pl.Int64).alias("revenue_cents"),
        pl.col("order_id").n_unique().cast(pl.Int64).alias("orders"),
        pl.col("quantity").sum().alias("units"),
        pl.len().cast(pl.Int64).alias("lines"),
    )
    expected = oracle.expected(by, SCALE, SEVEN_DAYS_LATER)
    assert found.sort(keys, nulls_last=True).rows() == expected.rows()
    assert expected["revenue_cents"].sum() == oracle.total(SCALE, SEVEN_DAYS_LATER)["revenue_cents"] > 0


def test_an_orders_total_is_the_sum_of_its_lines_and_is_what_was_paid(straight: Running, lines: pl.DataFrame) -> None:
    sums = lines.group_by("order_id").agg(pl.col("sales_value").sum().alias("total_amount")).sort("order_id")
    orders = straight.table("shop.orders").select("order_id", "total_amount")
    assert orders.rows() == sums.rows()
    paid = straight.table("shop.payments").join(orders, on="order_id")
    assert paid.height > 0.95 * orders.height
    assert (paid["amount"] == paid["total_amount"]).all()


def test_refunds_give_back_a_line_or_an_order_and_never_more(straight: Running, lines: pl.DataFrame) -> None:
    refunds = straight.table("shop.refunds")
    orders = straight.table("shop.orders").select("order_id", "total_amount", "placed_at")
    whole = refunds.filter(pl.col("product_id").is_null()).join(orders, on="order_id")
    part = refunds.filter(pl.col("product_id").is_not_null()).join(lines, on=["order_id", "product_id"])
    assert whole.height + part.height == refunds.height > 0
    assert (whole["amount"] == whole["total_amount"]).all()
    assert (part["amount"] == part["sales_value"]).all()
    days = (
        refunds.join(orders, on="order_id")
        .select((pl.col("refunded_at") - pl.col("placed_at")).dt.total_days())
        .to_series()
    )
    assert days.is_between(1, 13).all()


def test_real_dirt_stays(lines: pl.DataFrame) -> None:
    assert (lines["quantity"] == 0).sum() > 0
    assert lines["quantity"].max() > 1000
    assert lines.filter(pl.col("department").is_null())["product_id"].n_unique() >= 1


def test_money_is_exact_decimal(lines: pl.DataFrame) -> None:
    assert isinstance(lines["sales_value"][0], Decimal)
    assert lines["sales_value"].dtype == pl.Decimal(38, 2) or lines["sales_value"].dtype.scale == 2


def test_the_reader_reads_every_table_and_writes_none(straight: Running) -> None:
    known = company.connection_settings(straight.home)
    with psycopg.connect(known["SHOPSPHERE_SHOP_URL"]) as db:
        assert db.execute("SELECT count(*) FROM shop.orders").fetchone()[0] > 0
        assert db.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("UPDATE shop.orders SET status = 'paid'")
    with psycopg.connect(known["SHOPSPHERE_CATALOG_URL"]) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
        db.execute("CREATE TABLE catalog.mine (n int)")


def test_a_wrong_password_is_refused(straight: Running) -> None:
    url = company.connection_settings(straight.home)["SHOPSPHERE_SHOP_URL"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace("meltano:", "meltano:not-"))
