"""MySQL: a large table's first reading is committed by ranges of its key, and goes on after it was cut off."""

from __future__ import annotations

import pytest
from parts import ROWS, Pair
from tap_sql.engines import mysql_parts


class MySQLPair(Pair):
    """The source is MySQL's."""

    def there(self):
        """The table's rows."""
        with self.source.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select id, v from parts.t")
            return set(cursor.fetchall())


@pytest.fixture
def pair(mariadb, source, tmp_path):
    mariadb.execute(
        "drop database if exists parts",
        "create database parts",
        "create table parts.t (id int primary key, v varchar(200) not null, updated_at datetime(6))",
        "insert into parts.t select cast(seq as signed) * 3 - 500, repeat('x', 100), "
        f"timestamp '2017-01-01 00:00:00' + interval seq second from seq_1_to_{ROWS}",
        "analyze table parts.t",
    )
    config = {"url": mariadb.reader_url, "schemas": ["parts"], "stage_dir": str(source.stage)}
    made = type("Shop", (type(source),), {"config": config})
    shop = made.__new__(made)
    shop.server, shop.schema, shop.stage = mariadb, "parts", source.stage
    yield MySQLPair(shop, tmp_path)
    mariadb.execute("drop database parts")


def test_every_part_is_a_commit_and_all_of_them_are_the_table(pair):
    pair.run()
    assert pair.lake.commits("t") >= 4
    assert sorted(pair.rows().values()) == [1] * ROWS
    assert "after" not in pair.lake.state["bookmarks"]["parts-t"]
    pair.source.server.execute("update parts.t set v = 'new', updated_at = utc_timestamp(6) where id = 7")
    pair.run()
    assert len(pair.rows()) == ROWS + 1
    assert pair.there() <= set(pair.rows())


def test_a_reading_that_was_cut_off_goes_on_and_sees_what_changed_before_and_behind(pair):
    pair.run(commits=2)
    had = len(pair.rows())
    assert 1500 < had < 3000
    changed = "update parts.t set v = 'changed', updated_at = utc_timestamp(6) where id in (-497, 1, 10000)"
    new = "insert into parts.t values (2, 'new', utc_timestamp(6)), (20000, 'new', utc_timestamp(6)), (5, 'none', null)"
    pair.source.server.execute(changed, new, "delete from parts.t where id = 13000")
    pair.run(commits=1)
    assert len(pair.rows()) == had + 4, "what changed in the parts that were read comes first"
    pair.run()
    rows = pair.rows()
    assert max(rows.values()) == 1, "a version was loaded twice"
    assert pair.there() <= set(rows)
    assert (13000, "x" * 100) not in rows
    pair.run()
    assert pair.rows() == rows


def test_a_cut_off_reading_whose_key_was_changed_starts_anew_and_doubles_nothing(pair):
    pair.run(commits=2)
    pair.source.server.execute("alter table parts.t drop primary key, add primary key (v, id)")
    messages = pair.messages()
    assert len([message for message in messages if message.get("x-commit")]) == 0
    (schema,) = [message for message in messages if message["type"] == "SCHEMA"]
    assert schema["x-overlap"] == {"column": "updated_at", "since": None}


def test_an_empty_table_and_one_without_a_whole_number_for_a_key_are_read_by_one_query(pair):
    pair.source.server.execute("delete from parts.t")
    assert not [message for message in pair.messages() if message.get("x-commit")]
    pair.source.server.execute(
        "create or replace table parts.t (id varchar(9) primary key, v varchar(200), updated_at datetime(6)) "
        "select seq as id, 'x' as v, utc_timestamp(6) as updated_at from seq_1_to_3000",
        "analyze table parts.t",
    )
    assert not [message for message in pair.messages() if message.get("x-commit")]


def test_a_part_is_bounded_in_bytes_too_for_the_driver_reads_it_whole_if_the_target_is_slow(pair, monkeypatch):
    monkeypatch.setattr(mysql_parts, "PART_BYTES", 100_000)
    pair.run(part_rows=1_000_000, batches_ahead=100)
    assert pair.lake.commits("t") >= 4
    assert sorted(pair.rows().values()) == [1] * ROWS
