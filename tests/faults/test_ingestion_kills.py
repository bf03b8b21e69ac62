"""kill -9 of tap, target, Meltano or Dagster's process at any moment of a run: after a rerun the lake equals the
source, row by row.

A real PostgreSQL changes between the runs, which read what is new by its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tap_sql.testing import ThrowawayPostgres, throwaway_postgres

from ecommerce_pipeline.lakehouse.catalog import open_catalog
from tests.faults.ingestion_lab import DagsterLab, ForkLab, Lab, own, torment

KEYS = {"orders": ("order_id",), "order_items": ("order_id", "product_id")}
SCHEMA = """
create table shop.orders (order_id bigint primary key, customer_id int, total_amount numeric(12,2), status varchar(20),
  updated_at timestamp(6) not null);
create table shop.order_items (order_id bigint, product_id bigint, quantity int, updated_at timestamp(6) not null,
  primary key (order_id, product_id));
create sequence shop.clock;
create function shop.tick() returns timestamp language sql as
  $$ select timestamp '2017-01-01' + nextval('shop.clock') * interval '1 millisecond' $$;
insert into shop.orders select i, i % 50, i / 100.0, 'placed', shop.tick() from generate_series(1, 2000) i;
insert into shop.order_items select i % 2000, i, i % 7, shop.tick() from generate_series(1, 4000) i;
"""
LIVE = """
insert into shop.orders select i, i % 50, i / 100.0, 'placed', shop.tick() from generate_series({first}, {first} + 148)
  i;
insert into shop.orders values ({first} + 149, 7, 'NaN', 'placed', shop.tick());
insert into shop.order_items select i, i % 9, 1, shop.tick() from generate_series({first}, {first} + 149) i;
update shop.orders set status = 'paid', updated_at = shop.tick() where total_amount <> 'NaN' and order_id in
  (select (random() * {first})::int from generate_series(1, 200));
update shop.order_items set quantity = quantity + 1, updated_at = shop.tick() where product_id % 40 = {first} % 40;
"""


class Shop:
    """The source: it goes on between runs, with an order each time that no exact column can hold."""

    def __init__(self, server: ThrowawayPostgres, lab: Lab) -> None:
        self.server, self.lab = server, lab
        self.next_order, self.rejected = 10_000, 0
        server.execute("drop schema shop cascade; create schema shop; grant usage on schema shop to reader")
        server.execute(SCHEMA)
        server.execute("grant select on all tables in schema shop to reader")

    def live(self) -> None:
        self.server.execute(LIVE.format(first=self.next_order))
        self.next_order += 150
        self.rejected += 1

    def compare(self) -> None:
        """The newest version of every key is the source's row, and no version stands twice."""
        for table, keys in KEYS.items():
            raw = self.lab.raw(table)
            versions = [(*(row[key] for key in keys), row["updated_at"]) for row in raw]
            assert len(versions) == len(set(versions)), f"{table}: rows doubled"
            newest = {tuple(row[key] for key in keys): own(row) for row in raw}
            assert newest == self.rows(table, keys)
        catalog = open_catalog(self.lab.settings)
        rejects = catalog.load_table("quality.rejects").scan().to_arrow().to_pylist() if self.rejected else []
        positions = [row["position"] for row in rejects]
        assert len(positions) == len(set(positions)) == self.rejected

    def rows(self, table: str, keys: tuple[str, ...]) -> dict[tuple[Any, ...], dict[str, Any]]:
        with psycopg.connect(self.server.owner_url, row_factory=dict_row) as connection:
            rows = connection.execute(f"select * from shop.{table}".encode()).fetchall()
        fits = [row for row in rows if not row.get("total_amount", 0).is_nan()] if table == "orders" else rows
        return {tuple(row[key] for key in keys): row for row in fits}


class InBatches:
    """Batches so small that a run hands over several."""

    tap_settings = {"BATCH_ROWS": "700"}  # noqa: RUF012


class ShellLab(InBatches, Lab):
    """`meltano run` from a shell."""


class CheapLab(InBatches, ForkLab):
    """The same, forked."""


class RunLab(InBatches, DagsterLab):
    """A run of Dagster's."""


@pytest.fixture(scope="module")
def server() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as running:
        yield running


@pytest.fixture
def shop(server, tmp_path, request) -> Shop:
    kind, seed = getattr(request, "param", (CheapLab, 20171215))
    return Shop(server, kind(server.reader_url, tmp_path, seed))


def test_five_kills_lose_nothing_and_double_nothing(shop):
    torment(shop.lab, 5, shop.live, shop.compare)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("shop", [(ShellLab, seed) for seed in range(1, 13)], indirect=True)
def test_many_kills_lose_nothing_and_double_nothing(shop):
    torment(shop.lab, 25, shop.live, shop.compare)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("shop", [(RunLab, seed) for seed in range(1, 4)], indirect=True)
def test_many_kills_of_runs_of_dagster_lose_nothing_and_double_nothing(shop):
    torment(shop.lab, 12, shop.live, shop.compare)


def test_two_runs_at_once_leave_each_row_once(shop):
    lab = shop.lab
    lab.run()
    shop.live()
    runs = [lab.start("one"), lab.start("two")]
    codes = sorted(run.wait(120) for run in runs)
    assert codes[0] == 0, lab.log().decode()[-4000:]
    lab.run()
    shop.compare()


def test_a_retried_step_with_the_same_run_id_keeps_what_was_committed(shop, monkeypatch):
    lab = shop.lab
    same_id = property(lambda self, base=Lab.environment.fget: {**base(self), "DAGSTER_RUN_ID": "one"})
    monkeypatch.setattr(Lab, "environment", same_id)
    lab.run()
    shop.live()
    lab.run()
    shop.compare()
    rows = open_catalog(lab.settings).load_table("raw_shop.orders").scan(selected_fields=("_sdc_run_id",)).to_arrow()
    assert set(rows["_sdc_run_id"].to_pylist()) == {"one"}
