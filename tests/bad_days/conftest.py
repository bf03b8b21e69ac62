"""A small lake that something happens to: tables of a PostgreSQL and two folders of files, loaded by the command line.

Each test types one command in a process of its own and looks at what a person would see, and at every table before and
after. The lake stands apart from the session's, so that breaking it breaks nothing else.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ORDERS = """
create schema catalog; grant usage on schema catalog to reader;
alter default privileges in schema catalog grant select on tables to reader;
create table shop.orders (order_id bigint primary key, total numeric(12, 2), updated_at timestamp(6) not null);
create table shop.refunds (order_id bigint, amount numeric(12, 2), updated_at timestamp(6) not null);
create table catalog.stores (store_id int primary key, name varchar(80));
create sequence shop.full_disk start 10001;
insert into shop.orders select n, n * 1.01, now() at time zone 'utc' from generate_series(1, 500) as n;
insert into shop.refunds select n, n * 0.5, now() at time zone 'utc' from generate_series(1, 20) as n;
insert into catalog.stores values (1, 'North'), (2, 'South');
"""
EVENT = (
    '{{"event_id": "e-{n}", "user_id": {n}, "session_id": "s", "event_type": "visit", '
    '"timestamp": "2024-04-01T08:00:00.000Z", "received_at": "2024-04-01T08:00:01.000Z", "properties": {{}}, '
    '"context": {{}}}}\n'
)
HOUSEHOLDS = "household_id,age,income,home_ownership,marital_status,household_size,household_comp,kids_count\n"
EVERYTHING = (
    "raw_shop.orders, raw_shop.refunds, raw_catalog.stores, raw_web.events, raw_crm.demographics, quality.rejects"
)


@dataclass(frozen=True)
class Said:
    """What a command left on the terminal, colours off."""

    code: int
    out: str
    err: str

    def lines(self, *words: str) -> list[str]:
        """Lines on stderr that hold all the words."""
        return [line for line in self.err.splitlines() if all(word in line for word in words)]


@dataclass
class Lake:
    """A lake in a folder of its own and the settings it is reached by."""

    home: Path
    values: dict[str, str]
    password: str
    prefix: list[str] = field(default_factory=list)

    def shopsphere(self, *arguments: str, **changed: str) -> Said:
        """Type a command with some settings changed; whatever it says, it shows no secret and no traceback."""
        settings = {f"SHOPSPHERE_{name.upper()}": value for name, value in {**self.values, **changed}.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPSPHERE_")}
        done = subprocess.run(
            [*self.prefix, sys.executable, "-m", "ecommerce_pipeline.cli.main", *arguments],
            env={**kept, "SHOPSPHERE_HOME": str(self.home), "SHOPSPHERE_ENV_FILE": str(self.home / ".env"), **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        for text in (done.stdout, done.stderr):
            assert "Traceback" not in text, text
            assert self.password not in text
            assert "hunter2" not in text
        return Said(done.returncode, done.stdout, done.stderr)

    def pointers(self) -> dict[str, str]:
        """Where every table stands, branches included; the record of runs apart, which grows by every run."""
        # Closed at once: one left open on a file that is replaced deletes the log of the new one when it closes.
        with closing(sqlite3.connect(f"file:{self.home / 'lake' / 'catalog.db'}?mode=ro", uri=True)) as database:
            rows = database.execute(
                "select catalog_name || '.' || table_namespace || '.' || table_name, metadata_location "
                "from iceberg_tables where table_namespace <> 'ops'"
            )
            return dict(rows.fetchall())

    def under(self, *prefix: str) -> Lake:
        """The same lake, its commands typed behind a prefix."""
        return Lake(self.home, self.values, self.password, list(prefix))

    def copied(self, folder: Path) -> Lake:
        """The same lake elsewhere, as a moved clone leaves it."""
        shutil.copytree(self.home, folder)
        return Lake(folder, self.values, self.password)


class Server:
    """The sources' PostgreSQL, as its administrator has it."""

    def __init__(self, started) -> None:
        self.run, self.url, self.password = started.execute, started.reader_url, started.password

    def untouchable(self) -> str:
        """An address on which nothing listens."""
        return self.url.replace(self.url.rpartition(":")[2].partition("/")[0], "1")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    from tap_sql.testing import throwaway_postgres

    with throwaway_postgres() as started:
        started.execute(ORDERS)
        yield Server(started)


@pytest.fixture(scope="session")
def first_load(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Said]:
    """The lake, and what its first load said."""
    home = tmp_path_factory.mktemp("bad-days") / "home"
    events, crm = home / "sources" / "events" / "2024-04-01", home / "sources" / "crm"
    events.mkdir(parents=True)
    crm.mkdir()
    (events / "08.jsonl").write_text("".join(EVENT.format(n=n) for n in range(1, 51)))
    (crm / "demographics.csv").write_text(HOUSEHOLDS + "1,35-44,50-74K,Owner,Married,2,2 Adults,0\n")
    values = {
        "shop_url": server.url,
        "catalog_url": server.url,
        "web_events_path": str(events.parent),
        "crm_path": str(crm),
    }
    lake = Lake(home, values, server.password)
    return lake, lake.shopsphere("materialize", EVERYTHING)


@pytest.fixture
def lake(first_load: tuple[Lake, Said]) -> Iterator[Lake]:
    """The lake; whatever the test does to it, every table is left as it was."""
    loaded, said = first_load
    assert said.code == 0, said.err
    before = loaded.pointers()
    yield loaded
    assert loaded.pointers() == before
