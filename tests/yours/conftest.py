"""A team that connects its own shop: a clone that has followed the guide up to its last step, and the team's server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from ecommerce_pipeline.settings import ROOT
from tests.yours import clone as clones
from tests.yours import guide
from tests.yours.clone import Clone

CONNECT = ROOT / "docs" / "guides" / "connect-your-shop.md"
ADD = ROOT / "docs" / "guides" / "add-a-source.md"
EXAMPLE_HOST = "db.example.internal:5432"
DEMO_EXTRACTORS = "tap-shop|tap-catalog|tap-hubspot|tap-web|tap-crm"

ERP = """
create schema sales;
create table sales.invoices (
  invoice_id bigint primary key, customer_no varchar(20), issued_at timestamptz not null, amount numeric(14, 4),
  details jsonb, card_number varchar(19), updated_at timestamptz not null
);
create index on sales.invoices (updated_at);
create table sales.regions (region_id int primary key, name text not null);
create table sales.till_log (till smallint, said text, written_at timestamp(6));
insert into sales.invoices
select n, 'C' || n % 97, '2024-03-31 00:59:59.123456+00'::timestamptz + n * interval '13 minutes',
  n * 1234567.0001 / 7,
  jsonb_build_object('channel', (array['web', 'till', null])[1 + n % 3], 'lines', array[n, n + 1]),
  '4111 1111 1111 1111', '2024-04-01 00:00:00+00'::timestamptz + n * interval '1 second'
from generate_series(1, 1000) as n;
insert into sales.regions values (1, 'North'), (2, 'Sür''d');
insert into sales.till_log values
  (1, 'opened', '2024-04-01 08:00:00'), (1, 'opened', '2024-04-01 08:00:00'), (2, null, null);
"""
STOCK = """
create schema stock;
create table stock.movements (movement_id int primary key, units int, updated_at timestamp(6) not null);
insert into stock.movements
select n, n - 50, timestamp '2024-04-01' + n * interval '1 minute' from generate_series(1, 100) as n;
grant usage on schema stock to reader;
grant select on all tables in schema stock to reader;
"""


class Server:
    """The team's PostgreSQL: its own administrator, any database."""

    def __init__(self, owner_url: str) -> None:
        self._owner_url = owner_url

    @property
    def address(self) -> str:
        return f"127.0.0.1:{urlsplit(self._owner_url).port}"

    def run(self, database: str, sql: str) -> None:
        with psycopg.connect(self._at(database), autocommit=True) as connection:
            connection.execute(sql.encode())

    def rows(self, database: str, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._at(database)) as connection:
            return connection.execute(sql.encode()).fetchall()

    def _at(self, database: str) -> str:
        return f"{self._owner_url.rpartition('/')[0]}/{database}"


@pytest.fixture(scope="session")
def erp() -> Iterator[Server]:
    """A server nobody prepared for this project: a database `erp`, whose roles are the guide's to make."""
    from tap_sql.testing import throwaway_postgres

    with throwaway_postgres() as started:
        server = Server(started.owner_url)
        server.run("shop", "drop owned by reader; drop role reader")
        for database in ("erp", "warehouse"):
            server.run("postgres", f"create database {database}")
        server.run("erp", ERP)
        yield server


@contextmanager
def telling(where: str) -> Iterator[None]:
    """A step of a guide that fails says which."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from None


@pytest.fixture(scope="session")
def connected(erp: Server, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The clone after every step of `connect-your-shop.md`."""
    clone = clones.make(tmp_path_factory.mktemp("yours"))
    for block in guide.blocks(CONNECT):
        with telling(f"{CONNECT.name}, {block.heading!r}"):
            follow(clone, erp, "erp", block, DEMO_EXTRACTORS)
        if block.heading.startswith("1."):
            _without_the_demo_group(clone)
    return clone


def follow(clone: Clone, server: Server, database: str, block: guide.Block, replaced: str = "") -> None:
    """Do what one block says, on this machine's addresses."""
    text = block.text.replace(EXAMPLE_HOST, server.address)
    if block.language == "console":
        for command in block.commands:
            clone.must(command)
    elif block.language == "sql" and not block.file:
        server.run(database, text)
    elif block.file == "meltano/meltano.yml":
        clone.replace_extractors(replaced, text)
    else:
        assert block.file, f"the text before this block names no file:\n{block.text}"
        clone.write(block.file, text)


def _without_the_demo_group(clone: Clone) -> None:
    """What the guide says in a sentence: the group `demo` leaves pyproject.toml (`uv lock` would need a network)."""
    path = Path(clone.root / "pyproject.toml")
    text, groups = re.subn(r"^demo = \[\n(?:  .*\n)*\]\n", "", path.read_text(), flags=re.MULTILINE)
    text, defaults = re.subn(r'default-groups = \["demo", ', "default-groups = [", text)
    assert (groups, defaults) == (1, 1), "pyproject.toml has no group `demo` to delete"
    path.write_text(text)
