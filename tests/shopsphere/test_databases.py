"""Where the company's databases are in each profile, and that it does not mistake one place for another."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ecommerce_pipeline.settings import Settings
from shopsphere import company, databases
from shopsphere.state import Clock, CompanyError, write_clock


@pytest.fixture
def nobody_listens() -> int:
    """A port without a server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def on_the_stack(home: Path, mariadb_port: int) -> Settings:
    return Settings(_env_file=None, home=home, profile="stack", mariadb_port=mariadb_port)


def test_embedded_both_are_in_the_companys_own_postgresql(tmp_path):
    settings = Settings(_env_file=None, home=tmp_path)
    found = databases.of(settings)
    assert (found.shop.kind, found.catalog.kind) == ("postgresql", "postgresql")
    assert databases.home(settings) == tmp_path


def test_on_the_stack_without_mariadb_the_orders_stay_in_the_companys_own_postgresql(tmp_path, nobody_listens):
    found = databases.of(on_the_stack(tmp_path, nobody_listens))
    assert found.shop.kind == "postgresql"
    assert found.catalog.kind == "the stack's postgresql"
    assert found.need_own_server


def test_with_mariadb_no_server_of_its_own_is_needed_and_the_pipeline_reads_as_the_reader(tmp_path, nobody_listens):
    settings = on_the_stack(tmp_path, nobody_listens)
    found = databases.Databases(databases.InMariaDB(settings), databases.InStack(settings, "catalog"))
    assert not found.need_own_server
    assert found.shop.reader_url.startswith("mysql://meltano:")
    assert found.catalog.reader_url.startswith("postgresql://meltano:")


def test_each_profile_has_a_company_of_its_own(tmp_path):
    homes = {databases.home(Settings(_env_file=None, home=tmp_path, profile=name)) for name in ("embedded", "stack")}
    assert len(homes) == 2


@pytest.mark.parametrize("days", [date(2017, 2, 1), date(2017, 3, 1)])
def test_a_company_whose_orders_are_elsewhere_is_left_alone(tmp_path, days):
    clock = Clock(2017, 0.05, date(2017, 2, 1), shop="mariadb")
    write_clock(tmp_path, clock)
    with pytest.raises(CompanyError, match=r"orders live in mariadb, .* Next: start mariadb"):
        company.seed(tmp_path, 0.05, days)
    write_clock(tmp_path, replace(clock, until=date(2017, 2, 2)))
    with pytest.raises(CompanyError, match="orders live in mariadb"):
        company.simulate(tmp_path, days=1)
