"""The company's history does not depend on how it was reached."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from shopsphere import catalog, company, ledger, people, shop, step
from shopsphere.purchases import copies
from shopsphere.state import CompanyError, Window, read_clock
from shopsphere.tables import TABLES
from tests.shopsphere.conftest import DAY, SCALE, SEVEN_DAYS_LATER, Running, running, somewhere


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def objects_of(made: Running) -> list[tuple[object, ...]]:
    with sqlite3.connect(made.places.hubspot) as db:
        return db.execute("SELECT * FROM objects ORDER BY type, id, delivery").fetchall()


@pytest.mark.parametrize("address", TABLES)
def test_seeding_to_a_day_gives_the_rows_that_living_to_it_day_by_day_gives(
    straight: Running, lived: Running, address: str
) -> None:
    assert straight.dump(address) == lived.dump(address)
    assert straight.dump(address)


def test_seeding_to_a_day_gives_the_event_files_that_living_to_it_gives(straight: Running, lived: Running) -> None:
    events = files_below(straight.places.events)
    assert events == files_below(lived.places.events)
    assert any(name.startswith(str(SEVEN_DAYS_LATER)) for name in events)
    assert not any(name.startswith(str(SEVEN_DAYS_LATER + timedelta(days=1))) for name in events)


def test_seeding_to_a_day_gives_the_objects_and_the_export_that_living_to_it_gives(
    straight: Running, lived: Running
) -> None:
    assert objects_of(straight) == objects_of(lived)
    assert files_below(straight.places.crm) == files_below(lived.places.crm)


def test_days_change_rows_that_were_there_before(lived: Running) -> None:
    orders, before = lived.table("shop.orders"), SEVEN_DAYS_LATER - timedelta(days=2)
    moved = orders.filter((orders["placed_at"].dt.date() < before) & (orders["updated_at"].dt.date() >= before))
    assert set(moved["status"]) >= {"shipped", "delivered"}
    assert lived.table("shop.customer_changes")["change_type"].n_unique() > 1
    assert lived.table("catalog.prices").filter(lived.table("catalog.prices")["valid_from"] == date(2017, 3, 1)).height


def test_nothing_in_the_company_happened_after_its_clock(lived: Running) -> None:
    for address in TABLES:
        assert lived.table(address)["updated_at"].max().date() <= SEVEN_DAYS_LATER, address


def test_another_seed_makes_other_people_with_the_same_purchases() -> None:
    window = Window.days(None, DAY)
    one, other = copies(1, 1)[0], copies(2, 1)[0]
    assert not people.versions(one).equals(people.versions(other))
    assert shop.order_items(one, window).equals(shop.order_items(other, window))


def test_copies_of_households_share_no_id() -> None:
    window = Window.days(None, DAY)
    first, second, part = copies(1, 2.02)
    ids = [set(shop.orders(copy, window)["order_id"]) for copy in (first, second, part)]
    assert ids[0].isdisjoint(ids[1])
    assert ids[1].isdisjoint(ids[2])
    assert len(ids[0]) == len(ids[1]) > 10 * len(ids[2]) > 0


def test_seeding_again_leaves_the_company_alone_and_another_scale_is_refused(lived: Running) -> None:
    before = lived.dump("shop.orders")
    assert company.seed(lived.home, SCALE, DAY).day == SEVEN_DAYS_LATER
    assert lived.dump("shop.orders") == before
    with pytest.raises(CompanyError, match=r"scale 0\.05 .* reset"):
        company.seed(lived.home, 1.0, DAY)


def test_the_company_says_where_the_data_ends(lived: Running) -> None:
    with pytest.raises(CompanyError, match="data ends on 2018-01-01"):
        company.simulate(lived.home, until=date(2018, 1, 2))
    assert read_clock(lived.home).day == SEVEN_DAYS_LATER


@pytest.fixture
def young() -> Iterator[Running]:
    """A company that stands at the end of its third day."""
    with somewhere() as home, running(home) as made:
        company.seed(home, SCALE, date(2017, 1, 3))
        yield made


def test_a_step_that_was_interrupted_is_finished_by_the_next(young: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_down(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(step, "_write_events", breaks_down)
        with pytest.raises(KeyboardInterrupt):
            company.simulate(young.home, days=1, faults=1.0)
    assert read_clock(young.home).day == date(2017, 1, 3)
    assert company.simulate(young.home, until=date(2017, 1, 5)).day == date(2017, 1, 5)
    assert (young.places.events / "2017-01-04").is_dir()
    assert {entry.day for entry in ledger.read(young.places.ledger)} == {
        date(2017, 1, 4)
    }  # with the faults it was begun with


def test_stock_rows_come_and_go() -> None:
    copy = copies(2017, SCALE)[0]
    shelves = [
        set(catalog.inventory(copy, Window.days(None, day).before)["product_id"])
        for day in (date(2017, 3, 1), date(2017, 8, 1))
    ]
    assert shelves[0] - shelves[1]
    assert shelves[1] - shelves[0]
