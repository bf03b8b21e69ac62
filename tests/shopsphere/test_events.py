"""Click events tell a story that agrees with the shop's database."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from shopsphere.purchases import NEVER_BUYER
from tests.shopsphere.conftest import Running


@pytest.fixture(scope="module")
def events(straight: Running) -> pl.DataFrame:
    files = sorted(straight.places.events.rglob("*.jsonl"))
    frames = [
        pl.read_ndjson(file, infer_schema_length=None).with_columns(
            pl.lit(f"{file.parent.name}T{file.stem}").alias("file")
        )
        for file in files
    ]
    return pl.concat(frames, how="diagonal_relaxed").with_columns(
        pl.col("timestamp", "received_at").str.to_datetime(time_zone="UTC").dt.replace_time_zone(None)
    )


def test_each_event_is_written_once_in_the_file_of_its_hour_of_arrival(events: pl.DataFrame) -> None:
    assert events["event_id"].n_unique() == events.height
    assert (events["received_at"].dt.strftime("%Y-%m-%dT%H") == events["file"]).all()
    assert (events["received_at"] > events["timestamp"]).all()
    assert set(events["event_type"]) == {"visit", "view", "click", "add_to_cart", "signup", "checkout", "purchase"}


def test_about_every_fifth_order_was_placed_on_the_web_at_the_moment_of_its_purchase_event(
    events: pl.DataFrame, straight: Running
) -> None:
    bought = events.filter(pl.col("event_type") == "purchase").with_columns(
        pl.col("properties").struct.field("order_id")
    )
    orders = straight.table("shop.orders")
    both = bought.join(orders, on="order_id")
    assert both.height == bought.height == bought["order_id"].n_unique()
    assert (both["timestamp"] == both["placed_at"]).all()
    assert (both["user_id"] == both["customer_id"]).all()
    assert 0.16 < bought.height / orders.height < 0.24


def test_customers_signed_up_at_most_thirty_days_before_their_first_order(
    events: pl.DataFrame, straight: Running
) -> None:
    signed_up = events.filter(pl.col("event_type") == "signup").select(
        pl.col("user_id").alias("customer_id"), "timestamp"
    )
    first = straight.table("shop.orders").group_by("customer_id").agg(pl.col("placed_at").min())
    both = signed_up.join(first, on="customer_id")
    assert both.height == first.height
    assert (both["placed_at"] - both["timestamp"]).dt.total_seconds().is_between(0, 30 * 86_400).all()


def test_those_who_never_buy_have_no_purchase_and_no_customer(events: pl.DataFrame, straight: Running) -> None:
    strangers = events.filter(pl.col("user_id") > NEVER_BUYER)
    assert "signup" in set(strangers["event_type"])
    assert "purchase" not in set(strangers["event_type"])
    assert set(events["user_id"].unique()) - set(strangers["user_id"]) <= set(
        straight.table("shop.customers")["customer_id"]
    )


def test_a_fifth_of_the_sign_ups_never_buy_over_the_whole_year() -> None:
    from shopsphere.purchases import copies
    from shopsphere.web import _twins

    whole = copies(2017, 1)[0]
    buyers, others = whole.customers().height, _twins(whole).height
    assert 0.18 < others / (buyers + others) < 0.22


def test_a_sessions_campaign_was_running(events: pl.DataFrame, straight: Running) -> None:
    found = events.with_columns(pl.col("properties").struct.field("campaign_id")).filter(pl.col("campaign_id") > 0)
    dates = {
        int(one["id"]): tuple(datetime.fromisoformat(one["properties"][name]) for name in ("start_date", "end_date"))
        for one in straight.ask("/crm/v3/objects/campaigns?limit=100")[1]["results"]
    }
    assert found.height > 0
    for campaign, first in found.group_by("campaign_id").agg(pl.col("timestamp").min()).rows():
        assert dates[campaign][0] <= first


def test_a_user_sees_one_variant_of_an_experiment(events: pl.DataFrame) -> None:
    part = events.unnest("properties").filter(pl.col("experiment").is_not_null())
    assert part.group_by("user_id", "experiment").agg(pl.col("variant").n_unique())["variant"].max() == 1
    assert set(part["variant"]) == {"control", "treatment"}
