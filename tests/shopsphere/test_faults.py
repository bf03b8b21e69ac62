"""The ledger says exactly what is broken in the sources."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter

import polars as pl
import pytest

from shopsphere import crm, ledger
from shopsphere.faults import KINDS, UNKNOWN_PRODUCT
from shopsphere.ledger import Entry
from tests.shopsphere.conftest import RATE, Running

NUMBERS = {"customer_id", "change_id", "order_id", "product_id", "price_id"}
SQL_TABLES = {"shop": ["customer_changes", "orders", "order_items"], "catalog": ["products", "prices"]}


@pytest.fixture(scope="module")
def entries(faulty: Running) -> list[Entry]:
    return ledger.read(faulty.places.ledger)


@pytest.fixture(scope="module")
def lines(faulty: Running) -> list[str]:
    files = sorted(faulty.places.events.rglob("*.jsonl"))
    return [line for file in files for line in file.read_text("utf-8").splitlines()]


def of(entries: list[Entry], source: str, table: str) -> list[Entry]:
    return [entry for entry in entries if (entry.source, entry.table) == (source, table)]


def test_a_company_without_faults_has_no_ledger(straight: Running) -> None:
    assert not straight.places.ledger.exists()


@pytest.mark.parametrize(
    ("source", "table"), [(source, table) for source, tables in SQL_TABLES.items() for table in tables]
)
def test_rows_hold_what_the_ledger_says_and_differ_from_the_true_rows_nowhere_else(
    faulty: Running, straight: Running, entries: list[Entry], source: str, table: str
) -> None:
    broken, true = (made.table(f"{source}.{table}").cast(pl.String).to_dicts() for made in (faulty, straight))
    key = list(of(entries, source, table)[0].key)
    real = {tuple(row[name] for name in key): row for row in true}
    expected = {name: dict(row) for name, row in real.items()}
    for entry in of(entries, source, table):
        identity = tuple(entry.key[name] for name in key)
        assert {name: real[identity][name] for name in entry.true} == entry.true
        expected[identity].update(entry.written)
    assert sorted(map(str, expected.values())) == sorted(map(str, broken))


def test_every_kind_has_its_turn_and_each_record_at_most_one(entries: list[Entry]) -> None:
    counted = Counter((entry.source, entry.table, str(entry.key), entry.day) for entry in entries)
    assert set(counted.values()) == {1}
    found = {(f"{entry.source}.{entry.table}", entry.kind) for entry in entries}
    frequent = ("shop.orders", "shop.order_items", "catalog.prices", "catalog.products", "web.events")
    assert found >= {(table, kind.name) for table in frequent for kind in KINDS[table]}


def test_a_broken_line_spares_its_order(entries: list[Entry]) -> None:
    hurt = {entry.key["order_id"] for entry in of(entries, "shop", "order_items")}
    assert hurt.isdisjoint(entry.key["order_id"] for entry in of(entries, "shop", "orders"))


def test_current_customers_hold_the_fault_of_their_last_change(faulty: Running, entries: list[Entry]) -> None:
    rows = {str(row["customer_id"]): row for row in faulty.table("shop.customers").to_dicts()}
    told = of(entries, "shop", "customers")
    assert told
    for entry in told:
        assert {name: rows[entry.key["customer_id"]][name] for name in entry.written} == entry.written


def test_unknown_products_are_in_no_catalog(faulty: Running) -> None:
    unknown = faulty.table("shop.order_items").filter(pl.col("product_id") > UNKNOWN_PRODUCT)["product_id"]
    assert unknown.len() > 0
    assert set(unknown).isdisjoint(faulty.table("catalog.products")["product_id"])


def test_lines_that_are_no_json_are_those_of_the_ledger(lines: list[str], entries: list[Entry]) -> None:
    unreadable = []
    for line in lines:
        try:
            json.loads(line)
        except ValueError:
            unreadable.append(line)
    told = [entry for entry in of(entries, "web", "events") if entry.kind in ("malformed line", "truncated line")]
    assert sorted(unreadable) == sorted(entry.written["line"] for entry in told)
    assert all(json.loads(entry.true["line"])["event_id"] == entry.key["event_id"] for entry in told)


def test_events_are_late_twice_or_nobodys_as_the_ledger_says(
    lines: list[str], entries: list[Entry], faulty: Running
) -> None:
    read = [json.loads(line) for line in lines if '"session_id":' in line and line.endswith("}}")]
    waiting = [
        json.loads(line)
        for line in pl.read_parquet(faulty.places.pending)["line"]
        if line.endswith("}}") and '"session_id":' in line
    ]
    kinds = {entry.key["event_id"]: entry.kind for entry in of(entries, "web", "events")}
    seen = Counter(event["event_id"] for event in [*read, *waiting])
    assert {event for event, times in seen.items() if times > 1} == {
        event for event, kind in kinds.items() if kind == "delivered again"
    }
    for event in read:
        kind = kinds.get(event["event_id"])
        assert (event["user_id"] is None) == (kind == "missing user id")
        assert isinstance(event["user_id"], str) == (kind == "wrong type")
        assert event["timestamp"].startswith("1970") == (kind == "timestamp in 1970")
        assert event["timestamp"].startswith("2018") == (kind == "timestamp in the future")


def test_late_events_wait_for_their_hour(faulty: Running) -> None:
    late = pl.read_parquet(faulty.places.pending)
    files = sorted(folder.name for folder in faulty.places.events.iterdir())
    assert late.height > 0
    assert str(late["received_at"].min().date()) > files[-1]


def test_objects_are_delivered_twice_or_without_e_mail_as_the_ledger_says(
    faulty: Running, entries: list[Entry]
) -> None:
    with sqlite3.connect(faulty.places.hubspot) as db:
        twice = {row[0] for row in db.execute("SELECT id FROM objects GROUP BY type, id HAVING count(*) = 2")}
        nameless = {
            row[0]
            for row in db.execute(
                "SELECT id FROM objects WHERE type = 'contacts' AND properties LIKE '%\"email\":null%'"
            )
        }
    assert twice == {entry.key["id"] for entry in of(entries, "hubspot", "coupon_redemptions")}
    assert nameless == {entry.key["id"] for entry in of(entries, "hubspot", "contacts")}
    served = Counter(one["id"] for one in faulty.ask("/crm/v3/objects/coupon_redemptions?limit=100")[1]["results"])
    assert {one for one, times in served.items() if times == 2} <= twice


def test_the_export_is_broken_where_the_ledger_says(faulty: Running, straight: Running, entries: list[Entry]) -> None:
    true, broken = ((made.places.crm / "demographics.csv").read_bytes().splitlines() for made in (straight, faulty))
    told = {entry.key["household_id"]: entry for entry in of(entries, "crm", "demographics")}
    assert told
    for right, wrong in zip(true[1:], broken[1:], strict=True):
        entry = told.get(right.split(b",")[0].decode())
        assert (right != wrong) == (entry is not None)
        if entry and entry.kind == "Latin-1 bytes":
            with pytest.raises(UnicodeDecodeError):
                wrong.decode("utf-8")
        elif entry and entry.kind == "too few columns":
            assert wrong.count(b",") == len(crm.COLUMNS) - 3
        elif entry:
            assert b",," in wrong


def test_about_as_many_records_are_broken_as_was_asked_for(
    faulty: Running, entries: list[Entry], lines: list[str]
) -> None:
    assert 0.8 * RATE < len(of(entries, "web", "events")) / len(lines) < 1.1 * RATE
    products = faulty.table("catalog.products")
    assert 0.9 * RATE < len(of(entries, "catalog", "products")) / products.height < 1.1 * RATE


def test_a_step_that_is_written_again_adds_nothing_to_the_ledger(faulty: Running, entries: list[Entry]) -> None:
    ledger.append(faulty.places.ledger, entries)
    assert ledger.read(faulty.places.ledger) == entries
