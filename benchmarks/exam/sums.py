"""What must add up: money to the cent and events to the line, from the sources to the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from benchmarks.exam import truth
from benchmarks.exam.company import Examinee
from shopsphere import oracle
from shopsphere.state import Places

LINES = next(table for table in truth.TABLES if table.published == "core.fct_order_items")
EVENTS = next(table for table in truth.TABLES if table.source == "web.events")
SET_ASIDE = "('open', 'dismissed')"  # what somebody let in is among the published
HELD = (
    "select coalesce(sum(amount), 0) from quality.quarantine where source_table = '{table}' and status in {set_aside}"
)


FIXED = (
    "select coalesce(sum(cast(before_value as decimal(12, 2)) - cast(after_value as decimal(12, 2))), 0) "
    "from quality.corrections where status = 'fixed' and field = 'sales_value'"
)


@dataclass(frozen=True)
class Sum:
    """A whole and the parts it must equal."""

    name: str
    whole: Decimal | int
    parts: dict[str, Decimal | int]

    @property
    def difference(self) -> Decimal | int:
        return self.whole - sum(self.parts.values())


def sums(student: Examinee, connection: Any, before: datetime) -> list[Sum]:
    """Every identity, the company standing at `before` (naive UTC); it must hold the whole of the sample's orders."""
    return [_written(student, connection), _true(student, connection, before), _deliveries(student, connection)]


def minutes_unlike_the_truth(student: Examinee, connection: Any, before: datetime) -> int:
    """Minutes and event types whose count is not that of the true events that staging holds, late ones included."""
    kept = set(connection.execute("select event_id from staging.stg_web__events").pl()["event_id"])
    true = truth.rows(EVENTS, student.copies, before).filter(pl.col("event_id").is_in(list(kept)))
    expected = true.group_by(pl.col("occurred_at").str.slice(0, 16).alias("minute"), "event_type").len("events")
    found = connection.execute(
        "select strftime(minute, '%Y-%m-%d %H:%M') as minute, event_type, events from core.fct_events_per_minute"
    ).pl()
    both = expected.join(found, on=["minute", "event_type"], how="full", suffix=" found")
    return both.filter(pl.col("events").cast(pl.Int64).ne_missing(pl.col("events found").cast(pl.Int64))).height


def _written(student: Examinee, connection: Any) -> Sum:
    """As the shop wrote it, negative values and all."""
    with psycopg.connect(student.settings.shop_url.get_secret_value()) as shop:
        row = shop.execute("select sum(sales_value) from shop.order_items").fetchone()
    parts = {
        "published": _one(connection, "select coalesce(sum(sales_value), 0) from core.fct_order_items"),
        "lines in quarantine": _one(connection, HELD.format(table="order_items", set_aside=SET_ASIDE)),
        "fixed by people": _one(connection, FIXED),
        "orders in quarantine": _one(connection, HELD.format(table="orders", set_aside=SET_ASIDE)),
    }
    return Sum("order lines as the shop wrote them, USD", row[0] if row else Decimal(0), parts)


def _true(student: Examinee, connection: Any, before: datetime) -> Sum:
    """As the customers paid, by the package's own Parquet."""
    key = pl.concat_str("order_id", "product_id", separator="-")
    in_quarantine = connection.execute(f"select record_key from quality.quarantine where status in {SET_ASIDE}").pl()
    held = truth.rows(LINES, student.copies, before).filter(
        key.is_in(in_quarantine["record_key"].implode())
        | pl.col("order_id").is_in(in_quarantine["record_key"].implode())
    )["sales_value"]
    cents = oracle.total(student.scale, (before - timedelta(microseconds=1)).date())["revenue_cents"]
    revenue = _one(connection, "select sum(revenue) from core.fct_orders")
    parts = {"published": revenue, "true value of what is held": held.cast(pl.Decimal(18, 2)).sum()}
    return Sum("revenue as it truly was, USD", Decimal(cents) / 100, parts)


def _deliveries(student: Examinee, connection: Any) -> Sum:
    parts = {
        "published": "select count(*) from staging.stg_web__events",
        "quarantined": f"select count(*) from quality.quarantine where source_system = 'web' and status in {SET_ASIDE}",
        "rejected": "select count(*) from quality.rejects where source_system = 'web'",
        "repeats": "select count(*) from quality.findings where rule = 'event_delivered_once'",
    }
    return Sum(
        "lines in the collector's files",
        _lines_in(Places(student.home).events),
        {name: int(_one(connection, sql)) for name, sql in parts.items()},
    )


def _lines_in(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*/*.jsonl"))


def _one(connection: Any, sql: str) -> Decimal:
    return connection.execute(sql).fetchone()[0]
