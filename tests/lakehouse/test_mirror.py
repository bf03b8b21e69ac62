"""What another catalog is told: applied to what it holds, by PyIceberg, it must give what production holds."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.table import Table
from pyiceberg.table.update import TableUpdate, update_table_metadata
from sqlalchemy import delete, insert

from ecommerce_pipeline.lakehouse import database, mirror
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import CatalogUnreadable
from ecommerce_pipeline.lakehouse.mirror.difference import updates
from ecommerce_pipeline.lakehouse.orphans import sweep
from ecommerce_pipeline.lakehouse.rollback import rollback
from ecommerce_pipeline.ports import is_free
from ecommerce_pipeline.settings import Settings
from tests.lakehouse.conftest import build, duckdb_session

TOLD = TypeAdapter(tuple[TableUpdate, ...])


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake whose one table the tests only look at."""
    settings = Settings(_env_file=None, home=tmp_path_factory.mktemp("mirror"))
    yield settings
    database.forget(settings)


@pytest.fixture(scope="module")
def states(lake):
    """A table's life: made, rebuilt, a column more, a column less and partitioned, grown, emptied, rolled back."""
    found = []

    def live(*steps):
        for step in steps:
            with duckdb_session(lake) as connection:
                step(connection)
            with open_catalog(lake) as catalog:
                found.append(catalog.load_table("finance.total").metadata)

    live(
        lambda duck: build(duck, "finance.total", "select 1 as day, 1.25::decimal(18, 2) as total"),
        lambda duck: build(duck, "finance.total", "select 2 as day, 2.25::decimal(18, 2) as total"),
        lambda duck: build(duck, "finance.total", "select 3 as day, 3.25::decimal(18, 2) as total, 'x' as why"),
        lambda duck: build(duck, "finance.total", "select 4 as day, 'y' as why", "partitioned by (day)"),
        lambda duck: duck.execute("insert into lake.finance.total select 5, 'z'"),
        lambda duck: duck.execute("delete from lake.finance.total"),
        lambda _: rollback(lake, "finance.total", found[1].current_snapshot_id),
    )
    return found


def rows(metadata, settings):
    with open_catalog(settings) as catalog:
        io = catalog.load_table("finance.total").io
    return Table(("finance", "total"), metadata, "", io, NoopCatalog("there")).scan().to_arrow().to_pylist()


def applied(theirs, ours):
    return update_table_metadata(theirs, TOLD.validate_python(updates(theirs, ours)))


def test_whatever_it_missed_what_it_is_told_makes_it_hold_what_production_holds(states, lake):
    for theirs, ours in itertools.combinations(states, 2):
        then = applied(theirs, ours)
        assert then.current_snapshot_id == ours.current_snapshot_id
        assert then.schema() == ours.schema()
        assert then.spec() == ours.spec()
        assert rows(then, lake) == rows(ours, lake)
        assert then.properties["gc.enabled"] == "false"
        assert updates(then, ours) == []


def test_step_by_step_it_keeps_the_history_that_production_keeps(states):
    held = states[0]
    for ours in states[1:]:
        held = applied(held, ours)
    assert [one.snapshot_id for one in held.snapshots] == [one.snapshot_id for one in states[-1].snapshots]
    assert [one.parent_snapshot_id for one in held.snapshots] == [one.parent_snapshot_id for one in ours.snapshots]


def test_what_expired_in_production_is_no_history_there(states):
    last = states[-1]
    kept = [one for one in last.snapshots if one.snapshot_id == last.current_snapshot_id]
    expired = last.model_copy(update={"snapshots": kept})
    assert [one.snapshot_id for one in applied(last, expired).snapshots] == [last.current_snapshot_id]


def test_a_table_that_was_made_anew_is_no_continuation_of_the_old_one(states, embedded):
    with duckdb_session(embedded) as duck:
        build(duck, "finance.total", "select 1 as day, 1.25::decimal(18, 2) as total")
    with open_catalog(embedded) as catalog:
        assert updates(states[-1], catalog.load_table("finance.total").metadata) is None


def test_a_history_that_was_cut_short_of_what_it_holds_is_no_continuation(states):
    *_, grown, _emptied, back = states
    assert updates(grown.model_copy(update={"snapshots": grown.snapshots[-1:]}), back) is None


def test_a_catalog_that_does_not_answer_is_named(embedded):
    port = next(port for port in range(20000, 32000) if is_free(port))
    nobody = embedded.model_copy(update={"mirror_uri": f"http://127.0.0.1:{port}"})
    with pytest.raises(CatalogUnreadable, match=f"http://127.0.0.1:{port} does not answer.*Next: "):
        mirror.follow(nobody)


def test_metadata_that_another_catalog_wrote_beside_a_table_is_no_orphan_while_it_points_there(embedded):
    with duckdb_session(embedded) as duck:
        build(duck, "finance.total", "select 1 as day")
    with open_catalog(embedded) as catalog:
        current = Path(catalog.load_table("finance.total").metadata_location.removeprefix("file://"))
    theirs = current.with_name("of-another-catalog.metadata.json")
    theirs.write_bytes(current.read_bytes())
    with database.transaction(embedded) as connection:
        connection.execute(insert(database.mirrored_pointers).values(metadata_location=f"file://{theirs}"))
    sweep(embedded, timedelta(0))
    assert theirs.exists()
    with database.transaction(embedded) as connection:
        connection.execute(delete(database.mirrored_pointers))
    sweep(embedded, timedelta(0))
    assert not theirs.exists()
