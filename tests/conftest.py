"""One lake for the whole session, built the way a user builds it: ShopSphere → Meltano → Iceberg → dbt → publication.

It stands in a folder of its own: the environment goes before the developer's `.env`, which is not even read, and
nothing touches `var/`. The company is brought to DAY and loaded, then lives DAYS_LIVED more, each loaded as it ends,
so that every test reads tables that have lived the daily rhythm. Scale 0.02 is a fiftieth of the households.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

HOME = Path(tempfile.mkdtemp(prefix="shopsphere-tests-"))
for name in [name for name in os.environ if name.startswith("SHOPSPHERE_")]:
    del os.environ[name]
os.environ["SHOPSPHERE_HOME"] = str(HOME)
os.environ["SHOPSPHERE_ENV_FILE"] = str(HOME / ".env")
os.environ["DO_NOT_TRACK"] = "1"

SCALE = 0.02
DAY = date(2017, 12, 15)
DAYS_LIVED = int(os.environ.get("TESTS_DAYS_LIVED", "1"))  # `make soak` lives a week


@dataclass(frozen=True)
class Company:
    """ShopSphere as the session knows it."""

    home: Path
    scale: float

    @property
    def clock(self) -> date:
        """The day at whose end the company stands."""
        from shopsphere.state import read_clock

        clock = read_clock(self.home)
        assert clock is not None
        return clock.day


@pytest.fixture(scope="session", autouse=True)
def home() -> Iterator[Path]:
    """The session's folder; everything that was started in it is stopped, and it is deleted."""
    from ecommerce_pipeline.operations import services
    from ecommerce_pipeline.settings import get_settings

    yield HOME
    services.stop(get_settings())
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def company(home: Path) -> Company:
    """The demo company at the end of DAY, its systems running and their addresses in the settings."""
    from ecommerce_pipeline.operations import services
    from ecommerce_pipeline.settings import get_settings
    from shopsphere.company import seed, write_connection_settings
    from shopsphere.services import programs

    services.start(get_settings(), programs(home))
    write_connection_settings(home, home / ".env")
    get_settings.cache_clear()
    seed(home, SCALE, DAY)
    return Company(home, SCALE)


@pytest.fixture(scope="session")
def settings(company: Company):
    """The settings by which the pipeline reaches the company."""
    from ecommerce_pipeline.settings import get_settings

    return get_settings()


@pytest.fixture(scope="session")
def definitions(settings):
    """The graph."""
    from ecommerce_pipeline.definitions import lakehouse

    return lakehouse(settings)


@dataclass
class Watch:
    """What a reader in a loop saw while runs published: how often it looked, and what it found wrong."""

    seen: list[tuple] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def looks(self) -> int:
        """How often it looked and was answered."""
        return len(self.seen)

    def look(self, settings) -> None:
        """One look: every mart is there, and all belong to the same publication."""
        from ecommerce_pipeline.lakehouse import reader

        with reader.connect(settings) as connection:
            seen = connection.execute(
                "select (select sum(total_revenue) from finance.daily_revenue), "
                "(select sum(revenue) from core.fct_orders), "
                "(select sum(daily_revenue) from finance.daily_category_sales), "
                "(select sum(monetary) from growth.customer_segments)"
            ).fetchone()
        self.seen.append(tuple(seen))
        if len(set(seen)) != 1 or seen[0] is None:
            self.complaints.append(f"look {self.looks}: {seen}")


@contextmanager
def watching(settings, watch: Watch) -> Iterator[None]:
    """Look again and again until the block ends; a look that fails is a complaint."""
    over = threading.Event()

    def loop() -> None:
        while not over.wait(0.5):
            try:
                watch.look(settings)
            except Exception as error:
                watch.complaints.append(repr(error))

    reader = threading.Thread(target=loop)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()


@pytest.fixture(scope="session")
def watched() -> Watch:
    """What the reader saw while the session's lake lived its days."""
    return Watch()


@pytest.fixture(scope="session")
def loaded(company: Company, settings, definitions, watched):
    """The lake after DAY and DAYS_LIVED more, each loaded by `daily_update`; the outcomes of the runs."""
    from shopsphere.company import simulate

    outcomes = [daily_update(settings, definitions)]
    with watching(settings, watched):
        for _ in range(DAYS_LIVED):
            simulate(company.home, days=1)
            outcomes.append(daily_update(settings, definitions))
    return outcomes


@pytest.fixture
def lake(loaded, settings):
    """A read-only connection on the session's lake; tables as schema.table."""
    from ecommerce_pipeline.lakehouse import reader

    with reader.connect(settings) as connection:
        yield connection


def daily_update(settings, definitions):
    """Run the daily job as the command line does; a failed run fails the test with its own words."""
    from ecommerce_pipeline.operations import execution
    from ecommerce_pipeline.operations.selection import Target

    outcome = execution.run(settings, definitions, Target("daily_update", frozenset()))
    assert outcome.succeeded, "\n".join(outcome.failures)
    return outcome


def pytest_addoption(parser):
    parser.addoption("--update-snapshot", action="store_true", help="draw tests/graph/graph.json anew")


def pytest_collection_modifyitems(items):
    """The first test on the session's lake also waits until it is made: four runs, which a busy machine draws out."""
    for item in items:
        if "loaded" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(1800))
