"""kill -9 of tap, target, Meltano or Dagster's process while PostgreSQL's log is read: afterwards every change of the
source stands in the lake once, in the source's order.

The source writes down each change that it commits, by triggers; the first reading, whose rows are no changes, is
killed too.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tap_sql.testing import ThrowawayPostgres, throwaway_postgres

from tests.faults.ingestion_lab import DagsterLab, torment

TABLES = ("orders", "order_items")
SCHEMA = """
drop schema shop cascade; drop schema if exists audit cascade; create schema shop; create schema audit;
grant usage on schema shop to reader;
create sequence audit.version;
create table audit.changes (place bigserial primary key, name text, op text, id bigint, v bigint);
create function audit.note() returns trigger language plpgsql security definer as $$ begin
  insert into audit.changes (name, op, id, v) values (tg_table_name, lower(tg_op), coalesce(new.id, old.id), new.v);
  return null; end $$;
"""
TABLE = """
create table shop.{table} (id bigint primary key, v bigint);
insert into shop.{table} select i, nextval('audit.version') from generate_series(1, 6000) i;
create trigger note after insert or update or delete on shop.{table} for each row execute function audit.note();
grant select on shop.{table} to reader;
"""
LIVE = """
insert into shop.{table} select {first} + i, nextval('audit.version') from generate_series(1, 300) i;
update shop.{table} set v = nextval('audit.version') where id % 40 = {first} % 40;
delete from shop.{table} where id % 97 = {first} % 97;
"""


class LoggedLab(DagsterLab):
    """Runs of Dagster's that read the log, in small batches."""

    tap_settings = {"BATCH_ROWS": "500", "_METADATA": '{"*": {"replication-method": "LOG_BASED"}}'}  # noqa: RUF012


class Shop:
    """The source: transactions over one table and over both."""

    def __init__(self, server: ThrowawayPostgres, lab: LoggedLab) -> None:
        self.server, self.lab, self.next_id = server, lab, 10_000
        self.begun = dict.fromkeys(TABLES, 0)
        server.execute(SCHEMA)
        for table in TABLES:
            server.execute(TABLE.format(table=table))
        server.execute("create publication tap_sql for tables in schema shop")

    def live(self) -> None:
        for _ in range(4):
            one, both = TABLES[: 1 + self.next_id // 300 % 2], TABLES
            for tables in (one, both):
                changes = "".join(LIVE.format(table=table, first=self.next_id) for table in tables)
                self.server.execute(f"begin; {changes} commit")
                self.next_id += 300

    def begin(self) -> None:
        """From now on every row of the lake is a change, and the source's notes are those that must come."""
        self.server.execute("truncate audit.changes")
        self.begun = {table: len(self.lab.raw(table)) for table in TABLES}

    def compare_changes(self) -> None:
        """Each change came once and in its order."""
        self.compare()
        for table in TABLES:
            came = [(row["_sdc_op"], row["id"], row["v"]) for row in self.lab.raw(table)[self.begun[table] :]]
            noted = self.query(f"select op, id, v from audit.changes where name = '{table}' order by place")
            assert came == noted, f"{table}: {len(came)} changes came of {len(noted)}"

    def compare(self) -> None:
        """The last versions are the rows, and no version stands twice."""
        for table in TABLES:
            raw = self.lab.raw(table)
            last = {row["id"]: row for row in raw}
            living = sorted((row["id"], row["v"]) for row in last.values() if row["_sdc_deleted_at"] is None)
            assert living == self.query(f"select id, v from shop.{table} order by id")
            versions = [row["v"] for row in raw if row["v"] is not None]
            assert len(versions) == len(set(versions)), f"{table}: rows doubled"

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.owner_url) as connection:
            return connection.execute(sql.encode()).fetchall()


@pytest.fixture
def shop(tmp_path, request) -> Iterator[Shop]:
    with throwaway_postgres() as server:
        yield Shop(server, LoggedLab(server.reader_url, tmp_path, request.param))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shop", range(4), indirect=True)
def test_whoever_is_killed_whenever_each_change_stands_in_the_lake_once_and_in_its_order(shop):
    for _ in range(3):
        shop.lab.kill_a_run()
        shop.live()
    shop.lab.run()
    shop.compare()
    shop.begin()
    torment(shop.lab, 10, shop.live, shop.compare_changes)
