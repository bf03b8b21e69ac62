"""The shop's database as it stood at any moment: the authority on orders, lines, payments, refunds and customers.

Real: order, customer, store and product ids, placed_at, quantities, values, discounts; total_amount is the sum of an
order's sales_value. Simulated: the way of an order (placed, paid, shipped, delivered) and its times, payment method,
currency (USD), refunds (about 1.5 % of the orders, 1-14 days later), customers. Each function gives the latest version
of the rows that changed in a window, so a window from the beginning of time gives the table.
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from shopsphere import people
from shopsphere.draws import DAY, HOUR, MINUTE, SECOND
from shopsphere.purchases import MONEY, Copy
from shopsphere.state import Window

SLOWEST = timedelta(days=15)  # nothing happens to an order later than this after it was placed
METHODS = pl.Series(["card", "card", "card", "debit", "debit", "wallet", "gift_card"])
REASONS = pl.Series(["damaged", "wrong item", "not as described", "changed mind", "late delivery"])
STATUSES = ("placed", "paid", "shipped", "delivered")


def dollars(*names: str) -> list[pl.Expr]:
    """Columns of cents as DECIMAL(12,2) dollars."""
    return [
        (pl.col(name).cast(pl.Decimal(18, 2)) / pl.lit(100).cast(pl.Decimal(18, 2))).cast(pl.Decimal(12, 2))
        for name in names
    ]


def changed(window: Window) -> pl.Expr:
    """Whether a row's updated_at falls into the window."""
    return (pl.col("updated_at") >= window.after) & (pl.col("updated_at") < window.before)


def latest(versions: pl.DataFrame, window: Window, *key: str) -> pl.DataFrame:
    """The last version of each key that the window saw change."""
    return versions.filter(changed(window)).sort(*key, "updated_at").unique(key, keep="last", maintain_order=True)


def customers(versions: pl.DataFrame, window: Window) -> pl.DataFrame:
    """shop.customers: the current row of each customer."""
    current = latest(versions, window, "customer_id")
    return current.select(
        "customer_id", *people.ATTRIBUTES, pl.col("customer_since").alias("created_at"), "updated_at", "deleted_at"
    )


def customer_changes(versions: pl.DataFrame, window: Window) -> pl.DataFrame:
    """shop.customer_changes: every version, appended."""
    return versions.filter(changed(window)).drop("customer_since")


def _timed_orders(copy: Copy, window: Window) -> pl.DataFrame:
    """Orders placed early enough to change in the window, with the times of their way; `method` is the payment's."""
    orders = copy.orders(Window(window.after - SLOWEST, window.before))
    ids, draws = orders["order_id"], copy.draws
    paid = orders["placed_at"] + draws.span(2 * SECOND, 40 * MINUTE, "paid", ids)
    shipped = paid + draws.span(2 * HOUR, 40 * HOUR, "shipped", ids)
    delivered = shipped + draws.span(DAY // 2, 5 * DAY, "delivered", ids)
    times = [paid.alias("paid_at"), shipped.alias("shipped_at"), delivered.alias("delivered_at")]
    return orders.with_columns(*times, draws.pick(METHODS, "payment method", ids).alias("method"))


def orders(copy: Copy, window: Window) -> pl.DataFrame:
    """shop.orders: the orders that were placed or moved on."""
    timed = _timed_orders(copy, window)
    reached = [pl.when(pl.col(f"{name}_at") < window.before).then(pl.col(f"{name}_at")) for name in STATUSES]
    status = pl.coalesce(
        [
            pl.when(at.is_not_null()).then(pl.lit(name))
            for name, at in reversed(list(zip(STATUSES, reached, strict=True)))
        ]
    )
    standing = timed.with_columns(status.alias("status"), pl.max_horizontal(reached).alias("updated_at")).filter(
        changed(window)
    )
    return standing.select(
        "order_id",
        "customer_id",
        "store_id",
        "placed_at",
        "status",
        pl.col("method").alias("payment_method"),
        pl.lit("USD").alias("currency"),
        *(total.alias("total_amount") for total in dollars("total")),
        pl.col("placed_at").alias("created_at"),
        "updated_at",
    )


def order_items(copy: Copy, window: Window) -> pl.DataFrame:
    """shop.order_items: the lines of the orders placed in the window; lines never change."""
    times = [pl.col("placed_at").alias(name) for name in ("created_at", "updated_at")]
    return copy.lines(window).select("order_id", "product_id", "quantity", *dollars(*MONEY), *times)


def payments(copy: Copy, window: Window) -> pl.DataFrame:
    """shop.payments: one for each order, when it is paid."""
    paid = _timed_orders(copy, window).with_columns(pl.col("paid_at").alias("updated_at")).filter(changed(window))
    return paid.select(
        (pl.col("order_id") * 10 + 1).alias("payment_id"),
        "order_id",
        "method",
        *(total.alias("amount") for total in dollars("total")),
        pl.lit("USD").alias("currency"),
        pl.lit("captured").alias("status"),
        "paid_at",
        pl.col("paid_at").alias("created_at"),
        "updated_at",
    )


def refunds(copy: Copy, window: Window) -> pl.DataFrame:
    """shop.refunds: one order in seventy gives a line's value back, or, every fourth of them, the whole order's
    (product_id null).
    """
    orders, draws = copy.orders(Window(window.after - SLOWEST, window.before)), copy.draws
    orders = orders.filter(pl.Series(draws.share("refund?", orders["order_id"]) < 0.016), pl.col("total") > 0)
    ids = orders["order_id"]
    at = orders["placed_at"] + draws.span(DAY, 14 * DAY, "refunded", ids)
    wanted = pl.Series("rank", 1 + draws.below(orders["lines"].to_numpy(), "refunded line", ids))
    whole = pl.Series("whole", draws.below(4, "whole refund", ids) == 0)
    reason = draws.pick(REASONS, "refund reason", ids).alias("reason")
    asked = orders.with_columns(at.alias("updated_at"), wanted, whole, reason).filter(changed(window))
    lines = copy.lines(Window(window.after - SLOWEST, window.before)).filter(
        pl.col("order_id").is_in(asked["order_id"].implode())
    )
    ranked = lines.select(
        "order_id", "product_id", "sales_value", pl.int_range(1, pl.len() + 1).over("order_id").alias("rank")
    )
    made = asked.join(ranked, on=["order_id", "rank"], how="left", maintain_order="left")
    made = made.with_columns(pl.when("whole").then("total").otherwise("sales_value").alias("amount")).filter(
        pl.col("amount") > 0
    )
    return made.select(
        (pl.col("order_id") * 10 + 2).alias("refund_id"),
        "order_id",
        pl.when(~pl.col("whole")).then("product_id").alias("product_id"),
        *dollars("amount"),
        "reason",
        pl.col("updated_at").alias("refunded_at"),
        pl.col("updated_at").alias("created_at"),
        "updated_at",
    )
