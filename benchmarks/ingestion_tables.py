"""The tables ingestion is measured with: the shop's lines in PostgreSQL and in MySQL, and a table of 100 columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tap_sql.testing import throwaway_postgres
from tap_sql.testing_mariadb import throwaway_mariadb

POSTGRES_LINES = """
create table shop.order_items (order_id bigint, product_id bigint, quantity int, sales_value numeric(12,2),
  retail_disc numeric(12,2), coupon_disc numeric(12,2), coupon_match_disc numeric(12,2), created_at timestamp(6),
  updated_at timestamp(6), primary key (order_id, product_id));
insert into shop.order_items select i / 3, hashint4(i)::bigint + 3e9, 1 + i % 5, (i::bigint * 7919 % 100000) / 100.0,
  (i % 1000) / 100.0, 0, 0,
  timestamp '2017-01-01' + i * interval '31 seconds', timestamp '2017-01-02' + i * interval '31 seconds'
  from generate_series(1, {rows}) i;
create index on shop.order_items (updated_at);
"""
MYSQL_LINES = """
create table shop.order_items (order_id bigint, product_id bigint, quantity int, sales_value decimal(12,2),
  retail_disc decimal(12,2), coupon_disc decimal(12,2), coupon_match_disc decimal(12,2), created_at datetime(6),
  updated_at datetime(6), primary key (order_id, product_id), key (updated_at))
select seq div 3 as order_id, seq as product_id, 1 + seq % 5 as quantity,
  cast(seq * 7919 % 100000 / 100 as decimal(12,2)) as sales_value,
  cast(seq % 1000 / 100 as decimal(12,2)) as retail_disc, 0 as coupon_disc, 0 as coupon_match_disc,
  timestamp '2017-01-01 00:00:00' + interval seq * 3 second as created_at,
  timestamp '2017-01-02 00:00:00' + interval seq * 3 second as updated_at from seq_1_to_{rows}
"""
WIDE_KINDS = (
    ("bigint", "i * {n}"),
    ("int", "i % {n}"),
    ("numeric(12,2)", "(i * {n} % 100000) / 100.0"),
    ("double precision", "i / {n}::double precision"),
    ("text", "'value ' || i % (10 * {n})"),
    ("timestamp(6)", "timestamp '2017-01-01' + i % {n} * interval '1 hour'"),
    ("boolean", "i % {n} = 0"),
    ("varchar(20)", "case when i % 3 > 0 then 'v' || i % {n} end"),
)
WIDE_COLUMNS = 98  # and the key and the time


@dataclass(frozen=True)
class Source:
    """A running server with the table `shop.order_items`: the address its readers take, in the tap's notation."""

    reader_url: str


@dataclass(frozen=True)
class Case:
    """What is measured: the words for it, and the server with the table."""

    title: str
    columns: str
    opened: Callable[[int], Iterator[Source]]


def postgres(rows: int) -> Iterator[Source]:
    """The shop's lines in PostgreSQL."""
    with throwaway_postgres() as server:
        server.execute(POSTGRES_LINES.format(rows=rows))
        server.execute("vacuum analyze shop.order_items")
        yield Source(server.reader_url)


def mysql(rows: int) -> Iterator[Source]:
    """The same in MariaDB."""
    with throwaway_mariadb() as server:
        server.execute(MYSQL_LINES.format(rows=rows), "analyze table shop.order_items")
        yield Source(server.reader_url)


def wide(rows: int) -> Iterator[Source]:
    """A hundred columns of eight types in PostgreSQL."""
    made = [(f"c{number}", *WIDE_KINDS[number % len(WIDE_KINDS)], number + 2) for number in range(WIDE_COLUMNS)]
    names = ", ".join(f"{name} {kind}" for name, kind, _, _ in made)
    values = ", ".join(value.format(n=number) for _, _, value, number in made)
    with throwaway_postgres() as server:
        server.execute(
            f"create table shop.order_items (id bigint primary key, updated_at timestamp(6), {names});"
            f"insert into shop.order_items select i, timestamp '2017-01-02' + i * interval '31 seconds', {values} "
            f"from generate_series(1::bigint, {rows}) i; create index on shop.order_items (updated_at)"
        )
        server.execute("vacuum analyze shop.order_items")
        yield Source(server.reader_url)


CASES = {
    "postgres": Case("PostgreSQL", "9 columns (4 of them numeric)", postgres),
    "mysql": Case("MySQL (MariaDB)", "9 columns (4 of them decimal)", mysql),
    "wide": Case("PostgreSQL, a wide table", "100 columns of eight types", wide),
}


@contextmanager
def opened(case: Case, rows: int) -> Iterator[Source]:
    """The case's server with that many rows; it is gone in the end."""
    yield from case.opened(rows)
