"""Tables with partitions: one that is attached brings its rows, one that goes takes them along."""

from __future__ import annotations

import pytest
from lake import Lake, sync
from logged import Logged, told
from tap_sql.errors import TapError

ROOT = "create table t (id int primary key, updated_at timestamp) partition by range (id)"
LOADED = "create table {name} (like t including all); insert into {name} values ({id}, '2001-01-01')"


@pytest.fixture
def shop(source):
    source.execute(f"{ROOT}; create table low partition of t for values from (0) to (10)")
    source.execute("insert into t values (1, '2017-01-01'), (2, '2017-01-02')")
    return source


def attach(source, name, low, high):
    source.execute(f"alter table t attach partition {name} for values from ({low}) to ({high})")


def only_t(source):
    catalog = source.selected()
    return {"streams": [entry for entry in catalog["streams"] if entry["table_name"] == "t"]}


def ids(sent, source):
    return sent.ids(f"{source.schema}-t")


def test_rows_of_a_partition_that_was_filled_before_a_run_and_attached_after_it_are_read_once(shop):
    shop.execute(LOADED.format(name="high", id=11))
    catalog = only_t(shop)
    first = shop.run(catalog=catalog)
    attach(shop, "high", 10, 20)
    shop.execute("insert into t values (3, '2017-01-03')")
    second = shop.run(first.state, catalog=catalog)
    assert (ids(first, shop), ids(second, shop)) == ([1, 2], [3, 11])
    assert shop.run(second.state, catalog=catalog).state == second.state


@pytest.mark.soak
def test_a_partition_that_is_made_in_its_place_brings_each_row_once(shop):
    first = shop.run()
    shop.execute("create table high partition of t for values from (10) to (20); insert into t values (11, now())")
    with shop.connect() as late:
        late.execute("insert into t values (12, now())")
        second = shop.run(first.state)
        late.commit()
    assert (ids(second, shop), ids(shop.run(second.state), shop)) == ([11], [12])


@pytest.mark.soak
def test_a_partition_that_the_reader_may_not_read_by_itself_is_read_through_its_table(shop):
    shop.execute(LOADED.format(name="high", id=11))
    catalog = only_t(shop)
    shop.execute("revoke select on high from reader")
    first = shop.run(catalog=catalog)
    attach(shop, "high", 10, 20)
    assert ids(shop.run(first.state, catalog=catalog), shop) == [11]


@pytest.mark.soak
def test_a_bookmark_that_names_no_partitions_goes_on(shop):
    first = shop.run()
    assert first.state["bookmarks"][f"{shop.schema}-t"].pop("partitions")
    shop.execute("insert into t values (3, '2017-01-03')")
    second = shop.run(first.state)
    assert ids(second, shop) == [3]
    assert len(second.state["bookmarks"][f"{shop.schema}-t"]["partitions"]) == 1


@pytest.fixture
def logged(shop):
    made = Logged.of(shop)
    made.execute(f"alter publication {made.schema} set (publish_via_partition_root = true)")
    yield made
    made.clear()


def run(logged, state=None, **settings):
    return logged.run(state, catalog=only_t(logged), **settings)


FILLED, ATTACHED = LOADED.format(name="high", id=11), "alter table t attach partition high for values from (10) to (20)"
MADE = "create table high partition of t for values from (10) to (20); insert into t values (11)"


@pytest.mark.parametrize(
    ("before", "change", "said", "left"),
    [
        ("", "drop table low", "1 of its partitions were detached or dropped", []),
        *(
            pytest.param(*case, marks=pytest.mark.soak)
            for case in (
                ("", "alter table t detach partition low", "1 of its partitions were detached or dropped", []),
                ("", "truncate low; insert into t values (3, now())", r"partition \S*low was truncated or", [3]),
                (FILLED, ATTACHED, r"partition \S*high had rows when it was attached", [1, 2, 11]),
                ("", f"{FILLED}; {ATTACHED}", r"partition \S*high had rows when it was attached", [1, 2, 11]),
                ("", f"{MADE}; commit; begin; truncate high", r"partition \S*high was truncated or", [1, 2]),
            )
        ),
    ],
)
def test_what_happens_to_a_partition_and_is_in_no_log_is_a_loss(logged, tmp_path, before, change, said, left):
    logged.execute(before or "select 1")
    lake = Lake(tmp_path / "lake")
    sync(logged.config, only_t(logged), lake)
    logged.execute(change)
    with pytest.raises(
        TapError, match=f"{said}.*, which is in no log.* Next: run once with on_lost_changes=resnapshot"
    ):
        run(logged, lake.state)
    sync(logged.config | {"on_lost_changes": "resnapshot"}, only_t(logged), lake)
    rows = lake.catalog.load_table("raw.t").scan().to_arrow().to_pylist()
    rows.sort(key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))
    last = {row["id"]: row["_sdc_deleted_at"] for row in rows}
    assert sorted(key for key, deleted in last.items() if deleted is None) == left
    assert run(logged, lake.state).of("BATCH") == []


def test_what_the_log_tells_of_a_table_with_partitions_is_no_loss(logged):
    state = run(logged).state
    logged.execute("create table high partition of t for values from (10) to (20); insert into t values (11)")
    logged.execute("create table more (like t including all)")
    attach(logged, "more", 20, 30)
    logged.execute("insert into t values (21)")
    second = run(logged, state)
    assert [row[:2] for row in told(second)] == [("insert", 11), ("insert", 21)]
    logged.execute("truncate t; insert into t values (1)")
    third = run(logged, second.state)
    assert [row[:2] for row in told(third)] == [("insert", 1)]
    logged.execute("insert into t values (2)")
    fourth = run(logged, third.state)
    assert [row[:2] for row in told(fourth)] == [("insert", 2)]
    assert run(logged, fourth.state).state == fourth.state


@pytest.mark.soak
def test_a_log_bookmark_that_names_no_partitions_goes_on(logged):
    state = run(logged).state
    assert state["bookmarks"][f"{logged.schema}-t"].pop("files")
    logged.execute("drop table low; create table low partition of t for values from (0) to (10)")
    logged.execute("insert into t values (3)")
    sent = run(logged, state)
    assert [row[:2] for row in told(sent)] == [("insert", 3)]
    assert len(sent.state["bookmarks"][f"{logged.schema}-t"]["files"]) == 1
