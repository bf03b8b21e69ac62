"""A tap made with singer-sdk and nothing of ours loads: records one by one, the SDK's own state and types."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from singer_sdk import Stream, Tap
from singer_sdk import typing as th

SOURCE = [
    {"id": number, "price": number + 0.25, "updated_at": f"2017-01-0{number}T10:00:00+00:00"} for number in (1, 2, 3)
]


class Orders(Stream):
    name = "stock-orders"
    primary_keys = ("id",)
    replication_key = "updated_at"
    is_sorted = True
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType, required=True),
        th.Property("price", th.NumberType),
        th.Property("updated_at", th.DateTimeType),
        th.Property("tags", th.ArrayType(th.StringType)),
    ).to_dict()

    def get_records(self, context):
        start = self.get_starting_replication_key_value(context) or ""
        yield from (row | {"tags": ["a", "ü"]} for row in SOURCE if row["updated_at"] > start)


class StockTap(Tap):
    name = "tap-stock"
    config_jsonschema: ClassVar[dict] = th.PropertiesList().to_dict()

    def discover_streams(self):
        return [Orders(self)]


def messages(state):
    """What the tap writes to stdout."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(out):
        StockTap(config={}, state=state, parse_env_config=False).sync_all()
        out.flush()
    return [json.loads(text) for text in out.buffer.getvalue().splitlines()]


@pytest.fixture
def source(monkeypatch):
    rows = list(SOURCE)
    monkeypatch.setitem(globals(), "SOURCE", rows)
    return rows


def test_a_tap_of_the_sdk_is_loaded_and_goes_on_from_its_own_state(lake, source):
    lake.load(messages({}))
    rows = lake.rows("raw_shop.orders")
    found = [(row["id"], row["price"], json.loads(row["tags"])) for row in rows]
    assert found == [(number, number + 0.25, ["a", "ü"]) for number in (1, 2, 3)]
    assert rows[0]["updated_at"] == datetime(2017, 1, 1, 10, tzinfo=UTC)
    source.append({"id": 4, "price": None, "updated_at": "2017-01-04T10:00:00+00:00"})
    lake.load(messages(lake.emitted[-1]))
    assert [row["id"] for row in lake.rows("raw_shop.orders")] == [1, 2, 3, 4]


def test_a_tap_of_the_sdk_that_finds_nothing_commits_nothing(lake, source):
    lake.load(messages({}))
    lake.load(messages(lake.emitted[-1]))
    assert lake.snapshots("raw_shop.orders") == 1
