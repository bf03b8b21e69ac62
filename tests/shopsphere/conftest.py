"""Three small companies, each with its own PostgreSQL and API, founded once a session.

`straight` was seeded to SEVEN_DAYS_LATER at once, `lived` to DAY and then lived seven days one by one, `faulty` like
`lived`, but with four in ten of its records broken. A month begins in those days, so prices move too. Scale 0.05 is a
twentieth of the households.
"""

from __future__ import annotations

import json
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ecommerce_pipeline.operations import services as owner
from ecommerce_pipeline.settings import Settings
from shopsphere import company, postgres, services
from shopsphere.state import Places
from shopsphere.tables import TABLES

SCALE = 0.05
RATE = 0.4
DAY = date(2017, 2, 25)
SEVEN_DAYS_LATER = DAY + timedelta(days=7)


@dataclass(frozen=True)
class Running:
    """A company whose systems run."""

    settings: Settings

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def places(self) -> Places:
        return Places(self.home)

    def table(self, address: str) -> pl.DataFrame:
        """A table of the databases, ordered by its key."""
        wanted = TABLES[address]
        with postgres.connect(self.home, services.port(self.home, "postgres"), wanted.database) as db:
            cursor = db.execute(f"SELECT * FROM {address} ORDER BY {', '.join(wanted.key)}")
            return pl.DataFrame(cursor.fetchall(), schema=list(wanted.columns), orient="row", infer_schema_length=None)

    def dump(self, address: str) -> bytes:
        """A table as PostgreSQL writes it, ordered by its key."""
        wanted = TABLES[address]
        with postgres.connect(self.home, services.port(self.home, "postgres"), wanted.database) as db:
            query = f"COPY (SELECT * FROM {address} ORDER BY {', '.join(wanted.key)}) TO STDOUT (FORMAT csv)"
            with db.cursor().copy(query) as copy:
                return b"".join(bytes(part) for part in copy)

    def ask(
        self, path: str, body: object = None, token: str | None = None
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Status, JSON and headers of the API's answer; POST when there is a body."""
        known = company.connection_settings(self.home)
        headers = {"Authorization": f"Bearer {known['SHOPSPHERE_HUBSPOT_TOKEN'] if token is None else token}"}
        data = None if body is None else json.dumps(body).encode()
        return answer(urllib.request.Request(known["SHOPSPHERE_HUBSPOT_URL"] + path, data, headers))


def answer(request: urllib.request.Request) -> tuple[int, dict[str, Any], dict[str, str]]:
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return got.status, json.loads(got.read()), dict(got.headers)
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read()), dict(refused.headers)


@contextmanager
def running(home: Path) -> Iterator[Running]:
    settings = Settings(home=home)
    try:
        owner.start(settings, services.programs(home))
        yield Running(settings)
    finally:
        owner.stop(settings)


@contextmanager
def somewhere() -> Iterator[Path]:
    """A folder that another system user may enter, as PostgreSQL's must be when root runs the tests."""
    with tempfile.TemporaryDirectory(prefix="shopsphere-company-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def straight() -> Iterator[Running]:
    with somewhere() as home, running(home) as made:
        company.seed(home, SCALE, SEVEN_DAYS_LATER)
        yield made


@pytest.fixture(scope="session")
def lived() -> Iterator[Running]:
    with somewhere() as home, running(home) as made:
        company.seed(home, SCALE, DAY)
        for _ in range(7):
            company.simulate(home, days=1)
        yield made


@pytest.fixture(scope="session")
def faulty() -> Iterator[Running]:
    with somewhere() as home, running(home) as made:
        company.seed(home, SCALE, DAY, faults=RATE)
        company.simulate(home, days=7, faults=RATE)
        yield made
