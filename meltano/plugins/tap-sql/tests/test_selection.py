"""What is read of a table: the catalog's selection, on the columns the source has today."""

from __future__ import annotations

import logging

import pytest
from tap_sql.errors import TapError


def metadata(catalog, *breadcrumb):
    (found,) = [i["metadata"] for i in catalog["streams"][0]["metadata"] if i["breadcrumb"] == list(breadcrumb)]
    return found


def test_discovery_offers_keys_and_replication_keys(source):
    source.execute("create table t (b int, a int, name text, updated_at timestamp, primary key (a, b))")
    catalog = source.catalog()
    (entry,) = catalog["streams"]
    assert entry["tap_stream_id"] == f"{source.schema}-t"
    assert entry["key_properties"] == ["a", "b"]
    assert metadata(catalog)["valid-replication-keys"] == ["b", "a", "updated_at"]
    assert metadata(catalog, "properties", "a")["inclusion"] == "automatic"
    assert metadata(catalog, "properties", "name")["sql-datatype"] == "text"


def test_columns_that_a_key_merely_includes_are_no_part_of_it(source):
    source.execute("create table t (b int, a int, note text, primary key (a, b) include (note))")
    (entry,) = source.catalog()["streams"]
    assert entry["key_properties"] == ["a", "b"]


def test_only_selected_streams_and_columns_are_read(source):
    source.execute(
        "create table t (id int primary key, a int, b int); insert into t values (1, 2, 3); create table u (id int)"
    )
    catalog = source.selected(key=None)
    metadata(catalog, "properties", "a")["selected"] = False
    catalog["streams"][1]["metadata"][0]["metadata"]["selected"] = False
    sent = source.run(catalog=catalog)
    assert sent.rows(f"{source.schema}-t") == [{"id": 1, "b": 3}]
    assert [message["stream"] for message in sent.of("SCHEMA")] == [f"{source.schema}-t"]


def test_a_column_that_appeared_since_the_catalog_was_cached_is_read(source):
    source.execute("create table t (id int primary key, gone int); insert into t values (1, 2)")
    catalog = source.selected(key=None)
    source.execute("alter table t add fresh numeric(5,1) default 1.5, drop gone")
    sent = source.run(catalog=catalog)
    (row,) = sent.rows(f"{source.schema}-t")
    assert list(row) == ["id", "fresh"]
    assert sent.of("SCHEMA")[0]["schema"]["properties"]["fresh"]["x-iceberg-type"] == "decimal(5,1)"


def test_a_new_column_is_not_read_where_columns_were_picked(source):
    source.execute("create table t (id int primary key, a int, b int); insert into t values (1, 2, 3)")
    catalog = source.selected(key=None)
    metadata(catalog, "properties", "a")["selected"] = False
    source.execute("alter table t add fresh int")
    assert source.run(catalog=catalog).rows(f"{source.schema}-t") == [{"id": 1, "b": 3}]


def test_a_full_table_sends_its_version_before_its_state(source):
    source.execute("create table t (id int primary key); insert into t values (1)")
    first = source.run(key=None)
    assert [message["type"] for message in first.messages] == ["STATE", "SCHEMA", "BATCH", "ACTIVATE_VERSION", "STATE"]
    second = source.run(first.state, key=None)
    versions = [sent.of("ACTIVATE_VERSION")[0]["version"] for sent in (first, second)]
    assert versions[0] < versions[1]
    assert second.state["bookmarks"][f"{source.schema}-t"] == {"version": versions[1]}


def test_an_empty_full_table_still_sends_its_version(source):
    source.execute("create table t (id int primary key)")
    assert [message["type"] for message in source.run(key=None).messages] == [
        "STATE",
        "SCHEMA",
        "ACTIVATE_VERSION",
        "STATE",
    ]


@pytest.mark.parametrize(("key", "said"), [(None, "replaces what was loaded"), ("updated_at", "appended whole")])
def test_a_table_without_a_primary_key_is_read_and_said(source, caplog, key, said):
    source.execute("create table t (v text, updated_at timestamp); insert into t values ('x', now())")
    with caplog.at_level(logging.WARNING):
        sent = source.run(key=key)
    assert len(sent.rows(f"{source.schema}-t")) == 1
    assert "no primary key" in caplog.text
    assert said in caplog.text


def test_a_replication_key_that_is_no_column_is_refused(source):
    source.execute("create table t (id int primary key)")
    with pytest.raises(TapError, match=r"replication-key 'updated_at' is no column.*Next:"):
        source.run()


def test_a_table_that_went_is_named(source):
    source.execute("create table t (id int primary key)")
    catalog = source.selected(key=None)
    source.execute("drop table t")
    with pytest.raises(TapError, match=r"-t: its table is gone or may not be read.*Next:"):
        source.run(catalog=catalog)


def test_tables_the_role_may_not_read_are_not_offered(source):
    source.execute("create table t (id int); create table secret (id int); revoke select on secret from reader")
    assert [entry["table_name"] for entry in source.catalog()["streams"]] == ["t"]


def test_partitions_are_read_through_their_table(source):
    source.execute(
        "create table t (id int primary key) partition by range (id);"
        "create table t1 partition of t for values from (0) to (9)"
    )
    source.execute("insert into t values (1)")
    assert [entry["table_name"] for entry in source.catalog()["streams"]] == ["t"]
    assert source.run(key=None).ids(f"{source.schema}-t") == [1]
