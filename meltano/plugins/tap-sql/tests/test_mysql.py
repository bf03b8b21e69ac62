"""MySQL, on a real MariaDB: what it has in common with PostgreSQL, and what it has not."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest


@pytest.fixture
def shop(mariadb, source):
    mariadb.execute("drop database if exists shop", "create database shop")
    config = {"url": mariadb.reader_url, "schemas": ["shop"], "stage_dir": str(source.stage)}
    made = type("Shop", (type(source),), {"config": config})
    shop = made.__new__(made)
    shop.server, shop.schema, shop.stage = mariadb, "shop", source.stage
    return shop


def execute(shop, *statements):
    shop.server.execute(*statements)


def test_values_come_as_they_are(shop):
    execute(
        shop,
        "create table t (id int primary key, a tinyint, b tinyint(1), c bigint unsigned, d decimal(30,10), e "
        "double, f date,"
        " g datetime(6), h timestamp(6) null, i json, j varchar(20), k enum('x','y'), l blob, m time(3), n int "
        "unsigned)",
        "insert into t values (1, -5, 1, 18446744073709551615, 12345678901234567890.0123456789, 0.1, '2017-02-28',"
        " '2017-12-15 13:05:11.123456', '2017-12-15 13:05:11.5', '{\"a\": [1.50]}', 'ü', 'y', x'00ff', "
        "'100:00:00.5', 4000000000)",
        "insert into t (id, h) values (2, null)",
    )
    full, empty = shop.run(key=None).rows("shop-t")
    assert full == {
        "id": 1, "a": -5, "b": True, "c": Decimal(2**64 - 1), "d": Decimal("12345678901234567890.0123456789"), "e": 0.1,
        "f": date(2017, 2, 28),
        "g": datetime.fromisoformat("2017-12-15T13:05:11.123456"),
        "h": datetime.fromisoformat("2017-12-15T13:05:11.500000"), "i": '{"a": [1.50]}',
        "j": "ü", "k": "y", "l": b"\x00\xff",
        "m": "100:00:00.500", "n": 4000000000,
    }  # fmt: skip
    assert empty == {"id": 2, **dict.fromkeys(list(full)[1:])}


def test_keys_and_types_are_discovered(shop):
    execute(shop, "create table t (b int, a bigint, d decimal(12,2), primary key (a, b))")
    (entry,) = shop.catalog()["streams"]
    assert entry["key_properties"] == ["a", "b"]
    assert {n: s["x-iceberg-type"] for n, s in entry["schema"]["properties"].items()} == {
        "b": "int",
        "a": "long",
        "d": "decimal(12,2)",
    }


def test_an_incremental_run_reads_new_rows_and_the_overlap(shop):
    execute(shop, "create table t (id int primary key, updated_at datetime(6) not null)")
    days = ", ".join(f"({number}, date '2017-01-01' + interval {number} day)" for number in range(1, 51))
    execute(shop, f"insert into t values {days}")
    first = shop.run()
    execute(shop, "insert into t values (51, '2017-02-19 12:00:00'), (52, '2017-03-01')")
    second = shop.run(first.state, overlap_seconds=86400)
    assert first.ids("shop-t") == list(range(1, 51))
    assert second.ids("shop-t") == [49, 50, 51, 52]
    assert second.state["bookmarks"]["shop-t"]["replication_key_value"] == "2017-03-01T00:00:00"
    assert second.of("SCHEMA")[0]["x-overlap"] == {"column": "updated_at", "since": "2017-02-19T00:00:00"}


def test_a_wrong_password_is_one_line_without_a_secret(shop):
    done = shop.command("--discover", url=shop.server.reader_url.replace(shop.server.password, "hunter2"))
    (text,) = [line for line in done.stderr.splitlines() if "ERROR" in line]
    assert done.returncode == 1
    assert "Access denied" in text
    assert "hunter2" not in done.stderr


def test_a_database_that_is_not_there_is_named(shop):
    done = shop.command("--discover", url=shop.server.reader_url.replace("/shop", "/nowhere"))
    assert "Unknown database 'nowhere'" in done.stderr
    assert "Next: check the database in url" in done.stderr


def test_an_unreachable_server_is_told_at_once(shop):
    done = shop.command("--discover", url="mysql://reader:hunter2@127.0.0.1:1/shop")
    assert "Next: start the server, or check host and port" in done.stderr
    assert "hunter2" not in done.stderr


def test_tinyint1_is_a_number_where_it_is_said_to_be(shop):
    execute(shop, "create table t (id int primary key, stars tinyint(1))", "insert into t values (1, 5), (2, 1)")
    sent = shop.run(key=None, tinyint1_is_boolean=False)
    assert [row["stars"] for row in sent.rows("shop-t")] == [5, 1]
    assert sent.rejects == []


def test_an_incremental_run_on_a_timestamp_compares_in_utc(shop):
    """The server's clock is five hours ahead: compared as it shows them, rows of five hours would be missing."""
    execute(
        shop,
        "create table t (id int primary key, updated_at timestamp(6) not null)",
        "insert into t values (1, '2017-12-15 12:00:00')",
    )
    first = shop.run(overlap_seconds=60)
    assert first.state["bookmarks"]["shop-t"]["replication_key_value"] == "2017-12-15T12:00:00"
    execute(shop, "insert into t values (2, '2017-12-15 11:59:30'), (3, '2017-12-15 11:58:00')")
    assert shop.run(first.state, overlap_seconds=60).ids("shop-t") == [1, 2]


@pytest.mark.soak
def test_a_key_of_every_kind_looks_back_from_where_it_was(shop):
    kinds = {
        "bigint": ("7", "8", "9"),
        "decimal(12,2)": ("-1.50", "-1.25", "10.25"),
        "double": ("-1.5", "-1.25", "1e3"),
        "datetime": ("'2017-12-14'", "'2017-12-14 00:00:00'", "'2017-12-16'"),
    }
    for number, (kind, values) in enumerate(kinds.items()):
        execute(shop, f"create table t{number} (id int primary key, k {kind})")
        execute(shop, f"insert into t{number} values (1, {values[0]}), (0, {values[0]})")
    state = shop.run(key="k").state
    for number, values in enumerate(kinds.values()):
        execute(shop, f"insert into t{number} values (2, {values[1]}), (3, {values[2]})")
    sent = shop.run(state, key="k", overlap_keys=0, overlap_seconds=0)
    assert [sent.ids(f"shop-t{number}") for number in range(len(kinds))] == [[0, 1, 2, 3]] * len(kinds)
