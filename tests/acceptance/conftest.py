"""The sources as the session's company left them, read once; the lake stands at the same day."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.acceptance import sources
from tests.acceptance.expected_growth import expected_signups


@pytest.fixture(scope="session")
def events(loaded, settings) -> pl.DataFrame:
    from pathlib import Path

    return sources.web_events(Path(settings.web_events_path))


@pytest.fixture(scope="session")
def orders(loaded, company) -> pl.DataFrame:
    from shopsphere.purchases import households_in
    from shopsphere.state import DEFAULT_SEED

    return sources.orders(households_in(company.scale, DEFAULT_SEED), company.clock)


@pytest.fixture(scope="session")
def as_of(orders: pl.DataFrame) -> date:
    """The day of the latest order: the marts' as_of."""
    return orders["order_date"].max()


@pytest.fixture(scope="session")
def customers(loaded, settings) -> dict[int, date]:
    return sources.customers(settings)


@pytest.fixture(scope="session")
def signups(events: pl.DataFrame, customers: dict[int, date]) -> dict[int, date]:
    return expected_signups(events, customers)
