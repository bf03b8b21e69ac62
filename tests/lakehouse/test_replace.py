"""A rebuilt table takes its predecessor's place in one snapshot, whatever changed between them."""

from __future__ import annotations

import random

import duckdb
import pytest

from ecommerce_pipeline.lakehouse.catalog import open_catalog

TABLE = "marts.sales"


def load(settings):
    return open_catalog(settings).load_table(TABLE)


def ids(settings, **scan) -> list[int]:
    return sorted(load(settings).scan(**scan).to_arrow().column("id").to_pylist())


@pytest.fixture
def lake(embedded, session, rebuild):
    with session(embedded) as connection:
        rebuild(connection, TABLE, "select i as id, 'a' as name, date '2017-01-01' + i::int as day from range(60) t(i)")
        yield connection


def test_a_rebuild_is_one_snapshot_after_the_old_ones(lake, embedded, rebuild):
    before = load(embedded)
    rebuild(lake, TABLE, "select i as id, 'b' as name, date '2017-01-01' as day from range(10) t(i)")
    after = load(embedded)
    assert after.metadata.table_uuid == before.metadata.table_uuid
    assert [s.snapshot_id for s in after.snapshots()[:-1]] == [s.snapshot_id for s in before.snapshots()]
    assert after.current_snapshot().parent_snapshot_id == before.current_snapshot().snapshot_id
    assert ids(embedded) == list(range(10))
    assert ids(embedded, snapshot_id=before.current_snapshot().snapshot_id) == list(range(60))


def test_nothing_is_left_of_the_table_built_on_the_way(lake, embedded):
    assert open_catalog(embedded).list_tables("marts") == [("marts", "sales")]


def test_a_rebuild_without_rows_empties_the_table(lake, embedded, rebuild):
    rebuild(lake, TABLE, "select 1::bigint as id, 'a' as name, date '2017-01-01' as day where false")
    assert ids(embedded) == []
    assert lake.execute(f"select count(*) from lake.{TABLE}").fetchone() == (0,)


def test_a_column_of_another_type_is_another_column_of_the_same_name(lake, embedded, rebuild):
    old = load(embedded)
    rebuild(lake, TABLE, "select i as id, i * 2 as name, date '2017-01-01' as day from range(3) t(i)")
    new = load(embedded)
    assert new.schema().find_field("id").field_id == old.schema().find_field("id").field_id
    assert new.schema().find_field("name").field_id > old.metadata.last_column_id
    assert new.scan().to_arrow().column("name").to_pylist() == [0, 2, 4]
    old_names = new.scan(snapshot_id=old.current_snapshot().snapshot_id).to_arrow().column("name").to_pylist()
    assert set(old_names) == {"a"}


def test_columns_may_come_go_and_change_places(lake, embedded, rebuild):
    rebuild(lake, TABLE, "select 'x' as extra, i as id from range(4) t(i)")
    assert load(embedded).schema().column_names == ["extra", "id"]
    rebuild(lake, TABLE, "select i as id, 'y' as name, 'z' as extra from range(5) t(i)")
    assert lake.execute(f"select distinct name, extra from lake.{TABLE}").fetchall() == [("y", "z")]
    assert ids(embedded) == list(range(5))


def test_a_table_may_be_partitioned_and_not_any_more(lake, embedded, rebuild):
    query = "select i as id, 'a' as name, date '2017-01-01' + i::int as day from range(90) t(i)"
    for partitioning, transforms in [
        ("partitioned by (month(day))", ["month"]),
        ("", []),
        ("partitioned by (bucket(2, id), month(day))", ["bucket[2]", "month"]),
    ]:
        rebuild(lake, TABLE, query, partitioning)
        assert [str(field.transform) for field in load(embedded).spec().fields] == transforms
        assert ids(embedded, row_filter="day = '2017-02-03'") == [33]
        assert lake.execute(f"select id from lake.{TABLE} where day = '2017-02-03'").fetchall() == [(33,)]


def test_a_rebuild_that_lost_a_race_changes_nothing(lake, embedded, session):
    lake.execute(f"create table lake.{TABLE}__dbt_tmp as select 1::bigint as id, 2 as fresh")
    with session(embedded) as other:
        other.execute(f"insert into lake.{TABLE} values (100, 'theirs', date '2018-01-01')")
    with pytest.raises(duckdb.Error, match=r"marts\.sales was changed by somebody else"):
        lake.execute("select lake_replace('marts', 'sales__dbt_tmp', 'sales')")
    assert ids(embedded) == [*range(60), 100]


@pytest.mark.parametrize("seed", range(2))
def test_any_sequence_of_rebuilds_and_writes_reads_back_as_a_plain_table_would(embedded, session, rebuild, seed):
    choice = random.Random(seed)
    with session(embedded) as connection:
        expected: dict[int, str] = {}
        for step in range(8):
            action = choice.choice(["rebuild", "rebuild", "merge", "delete"]) if step else "rebuild"
            if action == "rebuild":
                size, kind = choice.randrange(40), choice.choice(["varchar", "integer", "decimal(9, 2)"])
                extra = choice.choice(["", ", 1 as extra"])
                partitioning = choice.choice(["", "partitioned by (bucket(3, id))"])
                rebuild(
                    connection,
                    TABLE,
                    f"select i as id, {step}::{kind} as v{extra} from range({size}) t(i)",
                    partitioning,
                )
                expected = dict.fromkeys(range(size), float(step))
            elif action == "merge":
                start = choice.randrange(40)
                connection.execute(
                    f"merge into lake.{TABLE} t "
                    f"using (select i as id, {step} as v from range({start}, {start} + 5) r(i)) s on t.id = s.id "
                    "when matched then update set v = s.v when not matched then insert (id, v) values (s.id, s.v)"
                )
                expected |= dict.fromkeys(range(start, start + 5), float(step))
            else:
                limit = choice.randrange(40)
                connection.execute(f"delete from lake.{TABLE} where id < {limit}")
                expected = {key: value for key, value in expected.items() if key >= limit}
            arrow = load(embedded).scan().to_arrow()
            found = {row["id"]: float(row["v"]) for row in arrow.to_pylist()}
            in_duckdb = connection.execute(f"select id, v::double from lake.{TABLE}").fetchall()
            assert found == expected == dict(in_duckdb)
            assert len(in_duckdb) == len(arrow) == len(expected)
