"""A company of whose records a fifth are broken, loaded twice by the real pipeline, examined as by benchmarks/exam."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.exam import marking, sums
from benchmarks.exam.company import Examinee, examinee

SCALE, FAULTS = 0.05, 0.2
FOUNDED, LIVED = date(2017, 2, 25), date(2017, 3, 2)
BEFORE = datetime.combine(LIVED + timedelta(days=1), datetime.min.time())


def pytest_collection_modifyitems(items):
    """The first test also waits until the company is founded and loaded twice, which a busy machine draws out."""
    for item in items:
        if "student" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def student() -> Iterator[Examinee]:
    """The company and its lake after the second load; a month begins in between, so prices move."""
    with tempfile.TemporaryDirectory(prefix="shopsphere-exam-") as folder, examinee(Path(folder), SCALE) as one:
        for day in (FOUNDED, LIVED):
            one.live(day, FAULTS)
            one.load()
        yield one


@pytest.fixture(scope="session")
def lake(student: Examinee):
    """A connection on the lake as the second load left it, whatever is loaded later."""
    from ecommerce_pipeline.lakehouse import reader

    with reader.connect(student.settings) as connection:
        yield connection


@pytest.fixture(scope="session")
def marks(student: Examinee, lake) -> marking.Marks:
    return marking.mark(student, lake, BEFORE)


@pytest.fixture(scope="session")
def added_up(student: Examinee, lake) -> list[sums.Sum]:
    return sums.sums(student, lake, BEFORE)
