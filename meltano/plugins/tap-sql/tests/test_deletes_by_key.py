"""Deletes of incremental streams, found by comparing keys: into the lake, from PostgreSQL and from MySQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from lake import Lake, sync
from tap_sql.deletes import is_due
from tap_sql.errors import TapError
from tap_sql.model import Selection, Table


class Pair:
    def __init__(self, source, folder, hours=0):
        self.source, self.lake, self.hours = source, Lake(folder / "lake"), hours

    def run(self):
        catalog = self.source.selected("id")
        for entry in catalog["streams"]:
            entry["metadata"][0]["metadata"]["compare-keys-hours"] = self.hours
        sync(self.source.config, catalog, self.lake)

    def versions(self):
        rows = self.lake.catalog.load_table("raw.t").scan().to_arrow().to_pylist()
        rows.sort(key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))
        return [(row["id"], row["v"], row["_sdc_deleted_at"] is not None) for row in rows]


@pytest.fixture
def pair(source, tmp_path):
    source.execute("create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b'), (3, 'c')")
    return Pair(source, tmp_path)


def test_a_row_that_is_gone_gets_a_last_version_that_says_so_once(pair):
    pair.run()
    pair.source.execute("delete from t where id = 2")
    pair.run()
    pair.run()
    assert pair.versions() == [(1, "a", False), (2, "b", False), (3, "c", False), (2, None, True)]


def test_a_key_that_comes_back_is_there_again_and_can_go_again(pair):
    pair.run()
    pair.source.execute("delete from t where id = 2")
    pair.run()
    pair.source.execute("insert into t values (2, 'again')")
    pair.run()
    pair.source.execute("delete from t where id = 2")
    pair.run()
    assert [row for row in pair.versions() if row[0] == 2] == [
        (2, "b", False), (2, None, True), (2, "again", False), (2, None, True),
    ]  # fmt: skip


def test_a_table_that_was_emptied_is_all_gone(pair):
    pair.run()
    pair.source.execute("delete from t")
    pair.run()
    assert sorted(row[0] for row in pair.versions() if row[2]) == [1, 2, 3]


def test_keys_of_several_columns_are_compared_together(source, tmp_path):
    source.execute("create table t (a text, id int, v text, primary key (a, id))")
    source.execute("insert into t values ('x', 1, 'a'), ('y', 1, 'b'), ('x', 2, 'c')")
    pair = Pair(source, tmp_path)
    pair.run()
    source.execute("delete from t where a = 'x' and id = 1")
    pair.run()
    found = pair.lake.catalog.load_table("raw.t").scan().to_arrow().to_pylist()
    assert [(row["a"], row["id"]) for row in found if row["_sdc_deleted_at"] is not None] == [("x", 1)]


def test_deletes_of_mysql_are_found_and_the_overlap_brings_nothing_back(mariadb, source, tmp_path):
    mariadb.execute("create database deletes", "create table deletes.t (id int primary key, v text)")
    mariadb.execute("insert into deletes.t values (1, 'a'), (2, 'b'), (3, 'c')")
    config = {"url": mariadb.reader_url, "schemas": ["deletes"], "stage_dir": str(source.stage)}
    shop = type("Shop", (type(source),), {"config": config}).__new__(type("Shop", (type(source),), {"config": config}))
    shop.server, shop.schema, shop.stage = mariadb, "deletes", source.stage
    pair = Pair(shop, tmp_path)
    pair.run()
    mariadb.execute("delete from deletes.t where id = 2")
    pair.run()
    pair.run()
    assert pair.versions() == [(1, "a", False), (2, "b", False), (3, "c", False), (2, None, True)]
    mariadb.execute("drop database deletes")


@pytest.mark.soak
def test_a_row_of_nothing_but_its_key_that_comes_back_is_there_again(mariadb, source, tmp_path):
    mariadb.execute("create database links", "create table links.t (id int, tag int, primary key (id, tag))")
    mariadb.execute("insert into links.t values (1, 1), (1, 2)")
    config = {"url": mariadb.reader_url, "schemas": ["links"], "stage_dir": str(source.stage)}
    shop = type("Shop", (type(source),), {"config": config}).__new__(type("Shop", (type(source),), {"config": config}))
    shop.server, shop.schema, shop.stage = mariadb, "links", source.stage
    pair = Pair(shop, tmp_path)
    pair.run()
    mariadb.execute("delete from links.t where tag = 2")
    pair.run()
    mariadb.execute("insert into links.t values (1, 2)")
    pair.run()
    pair.run()
    rows = pair.lake.catalog.load_table("raw.t").scan().to_arrow().to_pylist()
    rows.sort(key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))
    assert [row["_sdc_deleted_at"] is not None for row in rows if row["tag"] == 2] == [False, True, False]
    mariadb.execute("drop database links")


def test_keys_are_compared_when_their_time_has_come_and_not_before(pair):
    pair.hours = 24
    pair.run()
    pair.source.execute("delete from t where id = 2; insert into t values (4, 'd')")
    pair.run()
    assert [row[0] for row in pair.versions()] == [1, 2, 3, 4]
    now = datetime.now(UTC)
    selection = Selection(Table("s", "t", (), ("id",)), (), "id", compare_keys_hours=24)
    ages = {"23:59 ago": timedelta(hours=23.99), "a day ago": timedelta(hours=24), "ahead": -timedelta(hours=1)}
    due = {n: is_due(selection, {"keys_compared_at": (now - age).isoformat()}, now=now) for n, age in ages.items()}
    assert due == {"23:59 ago": False, "a day ago": True, "ahead": True}


@pytest.mark.parametrize(("hours", "commits"), [(0, 1), (24, 1)])
def test_a_comparison_that_finds_nothing_commits_nothing(pair, hours, commits):
    pair.hours = hours
    for _ in range(3):
        pair.run()
    assert pair.lake.commits("t") == commits


def test_a_table_without_a_key_and_a_wrong_number_are_refused(pair):
    pair.hours = "daily"
    with pytest.raises(TapError, match="Next: set it to a number of hours"):
        pair.run()
    pair.hours = 24
    pair.source.execute("alter table t drop constraint t_pkey")
    with pytest.raises(TapError, match="needs a primary key"):
        pair.run()
