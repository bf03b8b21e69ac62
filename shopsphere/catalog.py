"""The product catalog as it stood at any moment: the authority on products, prices, inventory and stores.

Real: product attributes, and prices: a month's price is the median of value / quantity over that month's lines with
quantity > 0, set early on its first day, and a row is written only when the price differs from the one before. Zero
prices are real dirt (free goods, goods sold by weight) and stay. Simulated: cost prices, store names and regions, the
moment a product's row is saved again, stock. Stock follows the real sales: each sale takes from it, a delivery fills
it, and a product that has not sold for 45 days leaves the table until it sells again. 17 sold products are missing from
the catalog: that is real too. A scale below 1 holds the products its households bought and a sample of the others;
copies of households share one catalog.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from shopsphere.draws import HOUR, MINUTE, Draws
from shopsphere.people import pools
from shopsphere.purchases import Copy, all_lines, package_table
from shopsphere.shop import changed, dollars, latest
from shopsphere.state import Window

OPENED = datetime(2017, 1, 1)  # noqa: DTZ001 - naive UTC
DELISTED_AFTER = timedelta(days=45)
LARGEST_SALE = 50  # a line's units beyond this are a weight or a volume, not pieces from the shelf
REGIONS = pl.Series(["Midwest", "Northeast", "South", "West"])


def products(copy: Copy, window: Window) -> pl.DataFrame:
    """catalog.products: all on the opening day, each saved again once in the year, unchanged."""
    rows = package_table("products").sort("product_id").with_columns(pl.lit(OPENED).alias("updated_at"))
    if copy.share < 1:
        sampled = pl.Series(copy.draws.share("product", rows["product_id"]) < copy.share)
        rows = rows.filter(pl.col("product_id").is_in(_sold(copy).implode()) | sampled)
    again = rows["updated_at"] + copy.draws.span(24 * HOUR, 365 * 24 * HOUR, "saved again", rows["product_id"])
    rows = pl.concat([rows, rows.with_columns(again.alias("updated_at"))])
    names = ["product_id", "manufacturer_id", "department", "brand", "product_category", "product_type", "package_size"]
    return latest(rows, window, "product_id").select(*names, pl.lit(OPENED).alias("created_at"), "updated_at")


def _sold(copy: Copy) -> pl.Series:
    return copy.lines(Window(OPENED, datetime(2019, 1, 1)))["product_id"].unique()  # noqa: DTZ001 - naive UTC


def prices(copy: Copy, window: Window) -> pl.DataFrame:
    """catalog.prices: a row each time a product's monthly price changes; cost is 55-85 % of the price, by product."""
    month = pl.col("placed_at").dt.truncate("1mo").alias("month")
    lines = all_lines().filter(pl.col("quantity") > 0) if _begins_a_month(window) else all_lines().clear()
    if copy.share < 1:
        lines = lines.filter(pl.col("product_id").is_in(_sold(copy).implode()))
    unit = (pl.col("sales_value") / pl.col("quantity")).median().round().cast(pl.Int64).alias("price")
    monthly = lines.group_by("product_id", month).agg(unit).sort("product_id", "month")
    moved = monthly.filter((pl.col("price") != pl.col("price").shift(1).over("product_id")).fill_null(value=True))
    ids, at = moved["product_id"], moved["month"] + copy.draws.span(MINUTE, 5 * HOUR, "price set", moved["product_id"])
    cost = (
        (moved["price"] * pl.Series(0.55 + 0.3 * copy.draws.share("cost", ids)))
        .round()
        .cast(pl.Int64)
        .alias("cost_price")
    )
    nth = (pl.col("month").dt.year() - 2017) * 12 + pl.col("month").dt.month()
    return (
        moved.with_columns(cost, at.alias("updated_at"))
        .filter(changed(window))
        .select(
            (pl.col("product_id") * 100 + nth).alias("price_id"),
            "product_id",
            *dollars("price", "cost_price"),
            pl.col("month").dt.date().alias("valid_from"),
            pl.col("updated_at").alias("created_at"),
            "updated_at",
        )
    )


def _begins_a_month(window: Window) -> bool:
    """Whether the window holds the first day of a month, the only one on which prices are set."""
    days = (window.before - window.after).days
    return days > 31 or any((window.after + timedelta(days=n)).day == 1 for n in range(days))


def inventory(copy: Copy, before: datetime) -> pl.DataFrame:
    """catalog.inventory as a whole at that moment: what is on the shelf of each product that is listed then."""
    units = pl.col("quantity").clip(0, LARGEST_SALE)
    sold = (
        copy.lines(Window(OPENED, before))
        .group_by("product_id")
        .agg(
            units.sum().alias("units"),
            pl.col("placed_at").min().alias("created_at"),
            pl.col("placed_at").max().alias("updated_at"),
        )
    )
    listed = sold.filter(pl.col("updated_at") >= before - DELISTED_AFTER).sort("product_id")
    lot = pl.Series("lot", 24 + copy.draws.below(240, "lot", listed["product_id"]))
    on_hand = (pl.col("lot") - pl.col("units") % pl.col("lot")).alias("units_on_hand")
    return listed.with_columns(lot).select(
        "product_id", on_hand, (pl.col("lot") // 5).alias("reorder_point"), "created_at", "updated_at"
    )


def stores(copy: Copy, window: Window) -> pl.DataFrame:
    """catalog.stores: all on the opening day."""
    ids = copy.lines(Window(OPENED, datetime(2019, 1, 1)))["store_id"].unique().sort()  # noqa: DTZ001 - naive UTC
    cities = _cities(copy.draws, ids)
    region = copy.draws.pick(REGIONS, "store region", ids).alias("region")
    rows = pl.DataFrame(
        {"store_id": ids, "name": pl.select(pl.format("ShopSphere {} {}", cities, ids)).to_series()}
    ).with_columns(region)
    return rows.with_columns(pl.lit(OPENED).alias("created_at"), pl.lit(OPENED).alias("updated_at")).filter(
        changed(window)
    )


def _cities(draws: Draws, stores: pl.Series) -> pl.Series:
    return draws.pick(pools(draws.seed)["place"], "store city", stores).struct.field("city")
