"""kill -9 in a large table's first reading, which is committed in parts: the next run goes on where the last commit
left it, and in the end every version stands in the lake once, from PostgreSQL and from MySQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tap_sql.testing import ThrowawayPostgres, throwaway_postgres
from tap_sql.testing_mariadb import MISSING, ThrowawayMariaDB, installed, throwaway_mariadb

from tests.faults.ingestion_lab import Lab

ROWS = 20_000
POSTGRES = (
    "create table shop.orders (id bigint primary key, v int not null, filler text, updated_at timestamp(6) not null)",
    "insert into shop.orders select i, 0, repeat('x', 100), timestamp '2017-01-01' + i * interval '1 second' "
    f"from generate_series(1, {ROWS}) i",
    "analyze shop.orders",
    "grant select on shop.orders to reader",
)
MYSQL = (
    "create table shop.orders (id bigint primary key, v int not null, filler text, updated_at datetime(6) not null)",
    "insert into shop.orders select seq, 0, repeat('x', 100), timestamp '2017-01-01 00:00:00' + interval seq second "
    f"from seq_1_to_{ROWS}",
    "analyze table shop.orders",
)
NOW = {"postgres": "timezone('utc', clock_timestamp())", "mysql": "utc_timestamp(6)"}


class PartsLab(Lab):
    """Runs that commit a first reading in some ten parts."""

    tap_settings = {"PART_ROWS": "2000", "BATCH_ROWS": "500", "BATCHES_AHEAD": "2"}  # noqa: RUF012


class Shop:
    """A source with one table; each row's versions are numbered."""

    def __init__(self, kind: str, server: ThrowawayPostgres | ThrowawayMariaDB, lab: Lab) -> None:
        self.kind, self.server, self.lab, self.lives = kind, server, lab, 0
        for statement in MYSQL if kind == "mysql" else POSTGRES:
            server.execute(statement)

    def live(self) -> None:
        """Change rows everywhere in the table, delete some and add some."""
        self.lives += 1
        now, new = NOW[self.kind], ROWS + self.lives
        self.server.execute(f"update shop.orders set v = v + 1, updated_at = {now} where id % 997 = {self.lives}")
        self.server.execute(f"delete from shop.orders where id % 1009 = {self.lives}")
        self.server.execute(f"insert into shop.orders values ({new}, 0, 'new', {now}), (-{new}, 0, 'new', {now})")

    def rows(self) -> set[tuple[Any, ...]]:
        sql = "select id, v from shop.orders"
        if self.kind == "postgres":
            with self.server.connect("shop") as connection:
                return set(connection.execute(sql).fetchall())
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return set(cursor.fetchall())

    def compare(self) -> None:
        """No version stands twice, and the last version of every key there is is the source's."""
        raw = self.lab.raw("orders")
        versions = [(row["id"], row["v"]) for row in raw]
        assert len(versions) == len(set(versions)), "rows doubled"
        last, there = dict(versions), self.rows()
        assert {(key, last.get(key)) for key, _ in there} == there


@pytest.fixture
def shop(tmp_path, request) -> Iterator[Shop]:
    kind, seed = request.param
    if kind == "mysql" and not installed():
        pytest.skip(MISSING)
    with throwaway_mariadb() if kind == "mysql" else throwaway_postgres() as server:
        yield Shop(kind, server, PartsLab(server.reader_url, tmp_path, seed))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shop", [(kind, seed) for kind in NOW for seed in range(3)], indirect=True)
def test_a_first_reading_killed_time_and_again_goes_on_and_loses_and_doubles_nothing(shop):
    kills = taken_up = 0
    while kills < 6 or (not taken_up and kills < 30):
        shop.lab.kill_a_run()
        taken_up += b"it was cut off" in shop.lab.log()
        shop.live()
        kills += 1
    shop.lab.run()
    shop.compare()
    assert taken_up, "no reading was taken up"
    shop.live()
    shop.lab.run()
    shop.compare()
