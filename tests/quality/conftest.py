"""A company of whose records a fifth are broken, loaded twice by the real pipeline, examined as by benchmarks/exam.

Between the loads people decide about some records, so that the second load both goes on and obeys, and the exam holds
for a lake in which somebody has decided.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.exam import marking, sums
from benchmarks.exam.company import Examinee, examinee
from tests.quality import disagreement

SCALE, FAULTS = 0.05, 0.2
FOUNDED, LIVED = date(2017, 2, 25), date(2017, 3, 2)
BEFORE = datetime.combine(LIVED + timedelta(days=1), datetime.min.time())


def pytest_collection_modifyitems(items):
    """The first test also waits until the company is founded and loaded twice, which a busy machine draws out."""
    for item in items:
        if "founded" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(1800))


def truth_of(student: Examinee, kind: str):
    """The ledger's first entry of a record with that kind of fault."""
    return next(entry for entry in student.entries if entry.kind == kind)


def reading(student: Examinee) -> Iterator[Any]:
    """A connection on the lake as it stands, for the life of a fixture."""
    from ecommerce_pipeline.lakehouse import reader

    with reader.connect(student.settings) as connection:
        yield connection


@pytest.fixture(scope="session")
def founded() -> Iterator[Examinee]:
    """The company and its lake after the first load."""
    with tempfile.TemporaryDirectory(prefix="shopsphere-exam-") as folder, examinee(Path(folder), SCALE) as one:
        one.live(FOUNDED, FAULTS)
        one.load()
        yield one


@pytest.fixture(scope="session")
def shopsphere(founded: Examinee):
    """Type a `shopsphere quarantine` command on the company's lake."""
    from ecommerce_pipeline.cli import console
    from ecommerce_pipeline.cli.quarantine import app

    def run(*arguments: str, answers: str = ""):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(console, "settings", lambda: founded.settings)
            return CliRunner().invoke(app, [*arguments], input=answers)

    return run


@pytest.fixture(scope="session")
def first(founded: Examinee):
    """A connection on the lake as the first load left it."""
    yield from reading(founded)


@pytest.fixture(scope="session")
def decided(founded: Examinee, shopsphere, first) -> dict[str, str]:
    """One record fixed in each table, one released, one dismissed: their keys, by what was decided."""
    order, line = truth_of(founded, "order without customer"), truth_of(founded, "negative value")
    event, price = truth_of(founded, "missing user id"), truth_of(founded, "price zero")
    keys = {
        "order": order.key["order_id"],
        "line": "-".join(line.key.values()),
        "event": event.key["event_id"],
        "released": truth_of(founded, "currency not in ISO 4217").key["order_id"],
        "dismissed": truth_of(founded, "placed_at in the future").key["order_id"],
        "price": price.key["price_id"],
    }
    typed = [
        ("fix", "shop.orders", keys["order"], "--set", f"customer_id={order.true['customer_id']}"),
        ("fix", "shop.order_items", keys["line"], "--set", f"sales_value={line.true['sales_value']}"),
        ("fix", "web.events", keys["event"], "--set", f"user_id={event.true['user_id']}"),
        ("fix", "catalog.prices", keys["price"], "--set", f"price={price.true['price']}"),
        ("release", "shop.orders", keys["released"]),
        ("dismiss", "shop.orders", keys["dismissed"]),
    ]
    for arguments in typed:
        said = shopsphere(*arguments, "--why", "asked the shop", "--by", "Ada")
        assert said.exit_code == 0, said.output
    return keys


@pytest.fixture(scope="session")
def disagreeing(founded: Examinee, decided) -> set[tuple[str, str, str]]:
    """Five days later some systems tell another story than others: table, key and rule. Nothing is loaded yet."""
    founded.live(LIVED, FAULTS)
    return disagreement.make(founded, LIVED)


@pytest.fixture(scope="session")
def student(founded: Examinee, disagreeing) -> Examinee:
    """The company and its lake after the second load; a month begins in between, so prices move."""
    founded.load()
    return founded


@pytest.fixture(scope="session")
def lake(student: Examinee):
    """A connection on the lake as the second load left it."""
    yield from reading(student)


@pytest.fixture(scope="session")
def marks(student: Examinee, lake) -> marking.Marks:
    return marking.mark(student, lake, BEFORE)


@pytest.fixture(scope="session")
def added_up(student: Examinee, lake) -> list[sums.Sum]:
    return sums.sums(student, lake, BEFORE)
