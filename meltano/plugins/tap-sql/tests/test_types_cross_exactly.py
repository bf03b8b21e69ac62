"""Every PostgreSQL type becomes the declared type of the lake, value by value.

What cannot is rejected with its text.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def properties(source, table="t"):
    (entry,) = [e for e in source.catalog()["streams"] if e["table_name"] == table]
    return {name: schema["x-iceberg-type"] for name, schema in entry["schema"]["properties"].items()}


def test_types_are_discovered(source):
    source.execute(
        "create domain cents as numeric(10,2); create type mood as enum ('ok');"
        "create table t (a smallint, b int, c bigint, d numeric(12,2), e numeric, f numeric(50,3), g real, h "
        "float8, i boolean,"
        " j date, k time, l timestamp(6), m timestamptz, n text, o varchar(9), p char(3), q jsonb, r uuid, s "
        "bytea, u int[],"
        " v mood, w cents, x interval, y numeric(3,-2), z numeric(2,5), aa oid, bb money)"
    )
    assert properties(source) == {
        "a": "int", "b": "int", "c": "long", "d": "decimal(12,2)", "e": "string", "f": "string", "g": "float",
        "h": "double",
        "i": "boolean", "j": "date", "k": "time", "l": "timestamp", "m": "timestamptz", "n": "string", "o": "string",
        "p": "string", "q": "string", "r": "string", "s": "binary", "u": "string", "v": "string", "w": "decimal(10,2)",
        "x": "string", "y": "decimal(5,0)", "z": "decimal(5,5)", "aa": "long", "bb": "string",
    }  # fmt: skip


def test_values_come_as_they_are(source):
    source.execute(
        "create table t (id int primary key, a smallint, c bigint, d numeric(38,10), e numeric, h float8, i "
        "boolean, j date,"
        " k time, l timestamp(6), m timestamptz, p char(5), q jsonb, r uuid, s bytea, u text[]);"
        "insert into t values (1, -5, 9223372036854775807, 1234567890123456789012345678.0123456789, 1.10, 0.1, true,"
        " '2017-02-28', '23:59:59.999999', '2017-12-15 13:05:11.123456', '2017-12-15 13:05:11.1+05', 'ab',"
        " '{\"b\": [1.50, null]}', '5ab2f6e3-9a6a-4a52-8e5c-0d2f7d1c2a3b', '\\x00ff', array['x', null, 'ü']);"
        "insert into t values (2)"
    )
    full, empty = source.run(key=None).rows(f"{source.schema}-t")
    assert full == {
        "id": 1, "a": -5, "c": 2**63 - 1, "d": Decimal("1234567890123456789012345678.0123456789"),
        "e": "1.10", "h": 0.1,
        "i": True, "j": date(2017, 2, 28), "k": time(23, 59, 59, 999999),
        "l": datetime.fromisoformat("2017-12-15T13:05:11.123456"),
        "m": datetime(2017, 12, 15, 8, 5, 11, 100000, tzinfo=UTC),
        "p": "ab", "q": '{"b": [1.50, null]}', "r": "5ab2f6e3-9a6a-4a52-8e5c-0d2f7d1c2a3b", "s": b"\x00\xff",
        "u": '["x",null,"ü"]',
    }  # fmt: skip
    assert empty == {"id": 2, **dict.fromkeys(list(full)[1:])}


def test_rows_that_no_exact_column_can_hold_are_rejected_one_by_one(source):
    source.execute(
        "create table t (id int primary key, customer_id int, d numeric(8,2), l timestamp, j date);"
        "insert into t select i, i, i / 100.0, '2017-01-01', '2017-01-01' from generate_series(1, 500) i;"
        "insert into t values (501, 77, 'NaN', null, null), (502, 78, 1, 'infinity', null), (503, 79, 1, "
        "'12000-01-01', null),"
        " (504, 80, 1, null, 'infinity'), (505, 81, 1, '0044-03-15 BC', null)"
    )
    sent = source.run(key=None)
    assert sent.ids(f"{source.schema}-t") == list(range(1, 501))
    assert [reject["customer_id"] for reject in sent.rejects] == [77, 78, 79, 80, 81]
    assert sent.rejects[0]["reason"].startswith("column d (numeric(8,2))")
    assert "infinity or a year outside" in sent.rejects[1]["reason"]
    assert sent.rejects[0]["source_stream"] == f"{source.schema}-t"
    assert '"d":"NaN"' in sent.rejects[0]["raw_record"]


def test_odd_names_are_read(source):
    source.execute('create table "Order Lines" ("the ""Id""" int primary key, "select" text, "ü%" int)')
    source.execute("insert into \"Order Lines\" values (1, 'x', 2)")
    assert source.run(key=None).rows(f"{source.schema}-Order Lines") == [{'the "Id"': 1, "select": "x", "ü%": 2}]


@given(
    numbers=st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=1 - 10**14, max_value=10**14 - 1)
    ),
    moments=st.lists(st.datetimes()),
    texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_number_time_and_text_round_trips(source, numbers, moments, texts):
    source.execute("drop table if exists t; create table t (n numeric(18,4), m timestamp(6), x text)")
    with source.connect() as connection, connection.cursor() as cursor:
        cursor.executemany("insert into t (n) values (%s)", [(number,) for number in numbers])
        cursor.executemany("insert into t (m) values (%s)", [(moment,) for moment in moments])
        cursor.executemany("insert into t (x) values (%s)", [(text,) for text in texts])
    rows = source.run(key=None).rows(f"{source.schema}-t")
    assert [row["n"] for row in rows if row["n"] is not None] == numbers
    assert [row["m"] for row in rows if row["m"] is not None] == moments
    assert [row["x"] for row in rows if row["x"] is not None] == texts


@pytest.mark.parametrize("rows", [0, 1, 999, 2500])
def test_batches_hold_all_rows_whatever_their_size(source, rows):
    source.execute(f"create table t (id int primary key); insert into t select generate_series(1, {rows})")
    sent = source.run(key=None, batch_rows=1000)
    assert sent.ids(f"{source.schema}-t") == list(range(1, rows + 1))
