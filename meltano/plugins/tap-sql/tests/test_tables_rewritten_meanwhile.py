"""A table that is truncated, or rewritten by ALTER, after a run's snapshot looks empty to it: never taken for empty."""

from __future__ import annotations

import pytest
from logged import Logged, told
from tap_sql.engines import engine_for
from tap_sql.errors import TapError
from tap_sql.extract import Extraction
from tap_sql.replication import Replication
from tap_sql.settings import parse_settings

from conftest import Sent

RELOADED = "truncate t; insert into t values (1, 'a'), (3, 'c')"
ALTERED = "alter table t alter id type bigint"


@pytest.fixture
def shop(source):
    source.execute("create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b')")
    return source


def run_while(source, statement, catalog, state=None):
    """A run whose snapshot is older than the statement, which commits before a table is read."""
    sent, given = Sent(), parse_settings(source.config)
    with engine_for(given).connect() as session:
        source.execute(statement)
        try:
            Extraction(given, session, state or {}, sent.emit).run(catalog)
        except TapError as error:
            return sent, str(error)
    return sent, None


@pytest.mark.parametrize(
    ("statement", "key"),
    [
        (RELOADED, None),
        pytest.param(ALTERED, None, marks=pytest.mark.soak),
        pytest.param(RELOADED, "id", marks=pytest.mark.soak),
        pytest.param(ALTERED, "id", marks=pytest.mark.soak),
    ],
)
def test_a_table_rewritten_since_the_snapshot_stops_the_run_before_any_state(shop, statement, key):
    catalog = shop.selected(key)
    sent, error = run_while(shop, statement, catalog)
    assert error is not None
    assert f"{shop.schema}.t: truncated, altered or otherwise rewritten while it was read" in error
    assert "Next: run again" in error
    assert [message["value"] for message in sent.of("STATE")] == [{"bookmarks": {}}]
    assert sent.of("ACTIVATE_VERSION") == []
    assert shop.run(catalog=catalog).ids(f"{shop.schema}-t") == ([1, 3] if statement == RELOADED else [1, 2])


@pytest.mark.soak
def test_keys_are_not_compared_with_a_table_that_only_looks_empty(shop):
    catalog = shop.selected("id")
    catalog["streams"][0]["metadata"][0]["metadata"]["compare-keys-hours"] = 0
    state = shop.run(catalog=catalog).state
    sent, error = run_while(shop, RELOADED, catalog, state)
    assert error is not None
    assert [message for message in sent.of("BATCH") if "x-present-keys" in message] == []


@pytest.mark.soak
def test_a_partition_and_the_table_of_a_view_are_seen_as_well(source):
    source.execute("create table p (id int primary key) partition by range (id)")
    source.execute("create table low partition of p for values from (0) to (9); insert into p values (1)")
    source.execute("create view w as select * from p")
    for entry in (catalog := source.selected(None))["streams"]:
        entry["metadata"][0]["metadata"]["selected"] = entry["table_name"] == "w"
    for statement, selected in (("truncate low", "p"), ("truncate p", "w")):
        for entry in catalog["streams"]:
            entry["metadata"][0]["metadata"]["selected"] = entry["table_name"] == selected
        assert f"{source.schema}.low: truncated" in str(run_while(source, statement, catalog)[1])


def test_a_table_rewritten_during_the_first_reading_before_its_log_stops_the_run(shop, monkeypatch):
    logged = Logged.of(shop)
    real = Replication._read_table

    def interfering(self, session, selection, position):
        logged.execute(ALTERED)
        real(self, session, selection, position)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(Replication, "_read_table", interfering)
            with pytest.raises(TapError, match="rewritten while it was read"):
                logged.run()
        assert told(logged.run()) == [("snapshot", 1, "a"), ("snapshot", 2, "b")]
    finally:
        logged.clear()
