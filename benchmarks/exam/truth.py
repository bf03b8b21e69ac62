"""What the tables must hold: every row as it truly is, from the company's own history, which no fault has touched.

The history is a pure function of the seed and the scale (shopsphere.company), so the truth needs neither the sources,
which are broken, nor the ledger. A table is held against it column by column, as text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from shopsphere import catalog, marketing, people, shop, web
from shopsphere.purchases import Copy
from shopsphere.state import Window

EVER = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC
PERSON = ("first_name", "last_name", "email", "phone", "street", "city", "region", "postcode", "country")
MONEY = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")


@dataclass(frozen=True, eq=False)
class Table:
    """A published table and where its truth comes from; `columns` maps a column to the source's name for it, `source`
    is the address the ledger uses, `waits_for` the table without whose record (the key's first part) a row is held.
    """

    source: str
    published: str
    key: tuple[str, ...]
    columns: dict[str, str]
    rows: Callable[[list[Copy], datetime], pl.DataFrame] = field(repr=False)
    waits_for: str = ""


def rows(table: Table, copies: list[Copy], before: datetime) -> pl.DataFrame:
    """The true rows as text, under the published names, at the moment `before` (naive UTC)."""
    names = {**{name: name for name in table.key}, **table.columns}
    true = table.rows(copies, before)
    return true.select(as_text(pl.col(source), true.schema[source]).alias(name) for name, source in names.items())


def as_text(column: pl.Expr, kind: Any) -> pl.Expr:
    """A column as text that is the same whichever engine held it."""
    if isinstance(kind, pl.Datetime):
        return column.dt.strftime("%Y-%m-%d %H:%M:%S%.6f")
    return column.cast(pl.String)


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _each(made: Callable[[Copy, Window], pl.DataFrame]) -> Callable[[list[Copy], datetime], pl.DataFrame]:
    return lambda copies, before: pl.concat([made(copy, Window(EVER, before)) for copy in copies])


def _once(made: Callable[[Copy, Window], pl.DataFrame]) -> Callable[[list[Copy], datetime], pl.DataFrame]:
    return lambda copies, before: made(copies[0], Window(EVER, before))


def _changes(copy: Copy, window: Window) -> pl.DataFrame:
    return shop.customer_changes(people.versions(copy), window)


def _customers(copy: Copy, window: Window) -> pl.DataFrame:
    return shop.customers(people.versions(copy), window)


def _objects(wanted: str) -> Callable[[Copy, Window], pl.DataFrame]:
    def made(copy: Copy, window: Window) -> pl.DataFrame:
        return dict(marketing.objects(copy, people.versions(copy), window))[wanted]

    return made


def _events(copy: Copy, window: Window) -> pl.DataFrame:
    price = pl.format("{}.{}", pl.col("price") // 100, (pl.col("price") % 100).cast(pl.String).str.zfill(2))
    return web.events(copy, window).with_columns(price.alias("price"))


def _households(copies: list[Copy], _before: datetime) -> pl.DataFrame:
    return pl.concat([copy.package_rows("demographics") for copy in copies])


TABLES = (
    Table(
        "shop.orders",
        "staging.stg_shop__orders",
        ("order_id",),
        _same("customer_id", "store_id", "placed_at", "status", "payment_method", "currency", "updated_at"),
        _each(shop.orders),
    ),
    Table(
        "shop.order_items",
        "staging.stg_shop__order_items",
        ("order_id", "product_id"),
        _same("quantity", *MONEY),
        _each(shop.order_items),
    ),
    Table(
        "shop.order_items",
        "core.fct_order_items",
        ("order_id", "product_id"),
        _same("quantity", *MONEY),
        _each(shop.order_items),
        waits_for="shop.orders",
    ),
    Table(
        "shop.payments",
        "staging.stg_shop__payments",
        ("payment_id",),
        {**_same("order_id", "amount", "currency", "paid_at"), "payment_method": "method", "payment_status": "status"},
        _each(shop.payments),
    ),
    Table(
        "shop.refunds",
        "staging.stg_shop__refunds",
        ("refund_id",),
        _same("order_id", "product_id", "amount", "reason", "refunded_at"),
        _each(shop.refunds),
    ),
    Table(
        "shop.customers",
        "staging.stg_shop__customers",
        ("customer_id",),
        _same(*PERSON, "marketing_consent", "created_at", "updated_at", "deleted_at"),
        _each(_customers),
    ),
    Table(
        "shop.customer_changes",
        "staging.stg_shop__customer_changes",
        ("change_id",),
        _same("customer_id", *PERSON, "marketing_consent", "deleted_at", "valid_from", "change_type"),
        _each(_changes),
    ),
    Table(
        "catalog.products",
        "staging.stg_catalog__products",
        ("product_id",),
        _same("manufacturer_id", "department", "brand", "product_category", "product_type", "package_size"),
        _once(catalog.products),
    ),
    Table(
        "catalog.prices",
        "staging.stg_catalog__prices",
        ("price_id",),
        _same("product_id", "price", "cost_price", "valid_from"),
        _once(catalog.prices),
    ),
    Table(
        "hubspot.contacts",
        "staging.stg_hubspot__contacts",
        ("contact_id",),
        {"contact_id": "id", "email": "email", "first_name": "firstname", "last_name": "lastname"}
        | _same("phone", "marketing_consent"),
        _each(_objects("contacts")),
    ),
    Table(
        "hubspot.coupon_redemptions",
        "staging.stg_hubspot__coupon_redemptions",
        ("redemption_id",),
        {"redemption_id": "id", **_same("campaign_id", "contact_id", "coupon_upc", "redemption_date")},
        _each(_objects("coupon_redemptions")),
    ),
    Table(
        "web.events",
        "staging.stg_web__events",
        ("event_id",),
        _same("user_id", "session_id", "event_type", "product_id", "price", "campaign_id", "order_id")
        | {"experiment": "experiment", "variant": "variant", "locale": "locale", "occurred_at": "timestamp"},
        _each(_events),
    ),
    Table(
        "crm.demographics",
        "staging.stg_crm__demographics",
        ("customer_id",),
        {
            "age_group": "age",
            "income_group": "income",
            "home_ownership": "home_ownership",
            "marital_status": "marital_status",
            "household_size": "household_size",
            "household_composition": "household_comp",
            "kids_count": "kids_count",
        },
        _households,
    ),
)


def real_dirt(true: dict[str, pl.DataFrame], written: dict[str, str]) -> dict[tuple[str, str], set[str]]:
    """Keys of the true records that break a rule, by table and rule; `written` maps true keys of order lines to those
    that the ledger says were written.
    """
    lines, prices, products = true["shop.order_items"], true["catalog.prices"], true["catalog.products"]
    quantity, price = pl.col("quantity").cast(pl.Int64), pl.col("price").cast(pl.Decimal(12, 2))

    def lines_where(condition: pl.Expr) -> set[str]:
        keys = lines.filter(condition).select(pl.concat_str("order_id", "product_id", separator="-")).to_series()
        return {written.get(key, key) for key in keys}

    return {
        ("shop.order_items", "quantity_not_zero"): lines_where(quantity == 0),
        ("shop.order_items", "quantity_plausible"): lines_where(quantity > 1000),
        ("shop.order_items", "product_in_catalog"): set(lines["product_id"]) - set(products["product_id"]),
        ("catalog.prices", "price_positive"): set(prices.filter(price <= 0)["price_id"]),
        ("catalog.products", "department_present"): set(products.filter(pl.col("department").is_null())["product_id"]),
    }
