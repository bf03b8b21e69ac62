"""The source changes under a running pipeline, PostgreSQL to Iceberg: each change has the policy of
docs/guides/schema-changes.md, and says so in the log.
"""

from __future__ import annotations

import logging
from datetime import datetime
from decimal import Decimal

import pytest
from lake import Lake, sync
from tap_sql.errors import TapError
from target_iceberg.errors import IncompatibleTypeError, LoadError

NOW = "timestamp '2017-01-01'"


class Drift:
    """A source schema and the lake it is loaded into; the catalog is discovered once, as Meltano caches it."""

    def __init__(self, source, folder):
        self.source, self.lake, self._catalog = source, Lake(folder / "lake"), None

    def change(self, *statements):
        self.source.execute("; ".join(statements))

    def run(self, *, discover=False, **target):
        """One run of tap and target; returns the rows of t as they were loaded, without updated_at."""
        if self._catalog is None or discover:
            self._catalog = self.source.selected()
        sync(self.source.config, self._catalog, self.lake, **target)
        return self.rows("t")

    def rows(self, table):
        return [{n: v for n, v in row.items() if n != "updated_at"} for row in self.lake.rows(table)]

    @property
    def types(self):
        return {name: kind for name, kind in self.lake.types("t").items() if name not in {"id", "updated_at"}}


@pytest.fixture
def drift(source, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    return Drift(source, tmp_path)


def begin(drift, column, value):
    """A table with one column and one row, loaded."""
    drift.change(
        f"create table t (id int primary key, v {column}, updated_at timestamp not null)",
        f"insert into t values (1, {value}, {NOW})",
    )
    drift.run()


def test_an_added_column_evolves_the_table_and_older_rows_are_null(drift, caplog):
    begin(drift, "int", 1)
    drift.change("alter table t add fresh numeric(5,1)", f"insert into t values (2, 2, {NOW}, 1.5)")
    assert drift.run() == [{"id": 1, "v": 1, "fresh": None}, {"id": 2, "v": 2, "fresh": Decimal("1.5")}]
    assert "new column fresh" in caplog.text
    assert "columns added or widened: fresh decimal128(5, 1)" in caplog.text


def test_a_dropped_column_stays_and_is_null(drift, caplog):
    begin(drift, "int", 1)
    drift.change("alter table t drop v", f"insert into t values (2, {NOW})")
    assert drift.run() == [{"id": 1, "v": 1}, {"id": 2, "v": None}]
    assert "column v is gone from the source, it will be NULL from now on" in caplog.text


def test_a_renamed_column_is_a_dropped_and_an_added_one(drift):
    begin(drift, "int", 1)
    drift.change("alter table t rename v to w", f"insert into t values (2, 2, {NOW})")
    assert drift.run() == [{"id": 1, "v": 1, "w": None}, {"id": 2, "v": None, "w": 2}]


def test_a_column_renamed_in_case_only_stops(drift):
    begin(drift, "int", 1)
    drift.change('alter table t rename v to "V"', f"insert into t values (2, 2, {NOW})")
    with pytest.raises(LoadError, match=r"'v' and 'V' differ in case only.*Next:"):
        drift.run()
    assert drift.rows("t") == [{"id": 1, "v": 1}]


def test_reordered_columns_are_known_by_their_names(drift):
    begin(drift, "int", 1)
    drift.change(
        "create table u (updated_at timestamp not null, v int, id int primary key)",
        "insert into u select updated_at, v, id from t", "drop table t", "alter table u rename to t",
        f"insert into t (id, v, updated_at) values (2, 5, {NOW})",
    )  # fmt: skip
    assert drift.run() == [{"id": 1, "v": 1}, {"id": 1, "v": 1}, {"id": 2, "v": 5}]


@pytest.mark.parametrize(
    ("old", "new", "becomes", "value"),
    [
        ("smallint", "int", "int", 2**31 - 1),
        ("int", "bigint", "long", 2**63 - 1),
        ("real", "double precision", "double", 0.1),
        ("numeric(5,2)", "numeric(38,2)", "decimal(38, 2)", Decimal("9" * 36 + ".99")),
        ("varchar(2)", "text", "string", "longer than before"),
        ("char(2)", "varchar(9)", "string", "longer"),
    ],
)
def test_a_widened_column_evolves(drift, old, new, becomes, value):
    begin(drift, old, "1")
    drift.change(f"alter table t alter v type {new}", f"insert into t values (2, '{value}', {NOW})")
    assert drift.run()[-1]["v"] == value
    assert drift.types == {"v": becomes}


@pytest.mark.parametrize(
    ("old", "new", "stays", "value"),
    [
        ("bigint", "int", "long", 5),
        ("double precision", "real", "double", 0.5),
        ("double precision", "int", "double", 5.0),
        ("numeric(12,4)", "numeric(6,2)", "decimal(12, 4)", Decimal("5.5000")),
        ("numeric(12,4)", "numeric(12,2)", "decimal(14, 4)", Decimal("5.5000")),
        ("numeric(12,4)", "smallint", "decimal(14, 4)", Decimal("5.0000")),
        ("text", "varchar(9)", "string", "5"),
    ],
)
def test_a_narrowed_column_keeps_a_type_that_holds_both(drift, old, new, stays, value):
    begin(drift, old, "1")
    drift.change(f"alter table t alter v type {new} using v::{new}", f"insert into t values (2, {value}, {NOW})")
    assert drift.run()[-1]["v"] == value
    assert drift.types == {"v": stays}


RETYPED = [
    ("int", "text", "v__text", "x", "x"),
    ("text", "int", "v__integer", "5", 5),
    ("numeric(12,2)", "numeric(12,4)", "v__decimal_4", "1.2345", Decimal("1.2345")),
    ("numeric(12,2)", "numeric", "v__text", "1.23456", "1.23456"),
    ("int", "numeric(12,2)", "v__decimal_2", "1.25", Decimal("1.25")),
    ("bigint", "double precision", "v__number", "0.5", 0.5),
    ("timestamp", "date", "v__date", "2017-02-28", datetime.fromisoformat("2017-02-28").date()),
    ("text", "boolean", "v__boolean", "true", True),
]


@pytest.mark.parametrize(("old", "new", "column", "given", "value"), RETYPED)
def test_a_retyped_column_stops_and_leaves_the_table_alone(drift, old, new, column, given, value):
    begin(drift, old, "null")
    drift.change(
        f"alter table t drop v, add v {new}", f"insert into t (id, v, updated_at) values (2, '{given}', {NOW})"
    )
    with pytest.raises(IncompatibleTypeError, match=r"raw\.t: column 'v' is .* Next: set on_type_change to new_column"):
        drift.run()
    assert (drift.lake.commits("t"), drift.rows("t")) == (1, [{"id": 1, "v": None}])


@pytest.mark.parametrize(("old", "new", "column", "given", "value"), RETYPED)
def test_a_retyped_column_begins_a_new_one_where_that_is_set(drift, caplog, old, new, column, given, value):
    begin(drift, old, "null")
    drift.change(
        f"alter table t drop v, add v {new}", f"insert into t (id, v, updated_at) values (2, '{given}', {NOW})"
    )
    assert drift.run(on_type_change="new_column")[-1] == {"id": 2, "v": None, column: value}
    assert f"its values go to {column}, v is NULL from now on" in caplog.text
    assert drift.run(on_type_change="new_column")[-1] == {"id": 2, "v": None, column: value}


def test_a_column_that_gets_its_old_type_back_goes_on_in_its_old_place(drift):
    begin(drift, "int", 1)
    drift.change("alter table t alter v type text", f"insert into t values (2, 'x', {NOW})")
    drift.run(on_type_change="new_column")
    drift.change("delete from t where id = 2", "alter table t alter v type int using v::int")
    drift.change(f"insert into t values (3, 3, {NOW})")
    rows = {row["id"]: (row["v"], row["v__text"]) for row in drift.run(on_type_change="new_column")}
    assert rows == {1: (1, None), 2: (None, "x"), 3: (3, None)}


def test_a_key_is_never_moved_to_a_column_of_its_own(drift):
    begin(drift, "int", 1)
    drift.change("alter table t alter id type text", f"insert into t values ('x', 2, {NOW})")
    with pytest.raises(IncompatibleTypeError, match="column 'id'"):
        drift.run(on_type_change="new_column")


def test_a_json_property_that_changes_its_type_changes_nothing(drift):
    begin(drift, "jsonb", """'{"a": 1}'""")
    drift.change(f"""insert into t values (2, '{{"a": {{"b": [1]}}}}', {NOW}), (3, '{{"a": "1"}}', {NOW})""")
    assert [row["v"] for row in drift.run()] == ['{"a": 1}', '{"a": {"b": [1]}}', '{"a": "1"}']
    assert drift.types == {"v": "string"}


def test_a_renamed_table_stops_and_says_how_to_go_on(drift):
    begin(drift, "int", 1)
    drift.change("alter table t rename to orders")
    with pytest.raises(TapError, match=r"-t: its table is gone.*Next:.*if it was renamed"):
        drift.run()
    drift.run(discover=True)
    assert drift.rows("orders") == drift.rows("t") == [{"id": 1, "v": 1}]


def test_a_table_made_anew_is_read_from_the_start_after_what_it_was(drift, caplog):
    begin(drift, "int", 1)
    drift.change("drop table t", "create table t (id int primary key, v int, updated_at timestamp not null)")
    drift.change("insert into t values (7, 7, '2016-01-01')")
    assert drift.run() == [{"id": 1, "v": 1}, {"id": 7, "v": 7}]
    assert "the bookmark was taken on another server, database or table" in caplog.text


def test_another_key_stops_until_it_is_accepted(drift, caplog):
    begin(drift, "int", 1)
    drift.change("alter table t drop constraint t_pkey, add primary key (id, v)", f"insert into t values (1, 2, {NOW})")
    for _ in range(2):
        with pytest.raises(LoadError, match=r"raw\.t: the key of its stream was \(id\) and is \(id, v\) now.*Next:"):
            drift.run()
    assert drift.lake.commits("t") == 1
    assert len(drift.run(on_key_change="accept")) == 2
    assert "rows loaded before keep standing under the old one" in caplog.text
    assert len(drift.run()) == 2


def test_a_key_in_another_order_is_the_same(drift):
    drift.change("create table t (a int, b int, updated_at timestamp not null, primary key (a, b))")
    drift.change(f"insert into t values (1, 1, {NOW})")
    drift.run()
    drift.change("alter table t drop constraint t_pkey, add primary key (b, a)", f"insert into t values (2, 2, {NOW})")
    assert len(drift.run()) == 2


def test_a_key_that_loses_a_value_is_a_reject(drift):
    begin(drift, "int", 1)
    drift.change(
        "alter table t drop constraint t_pkey, alter id drop not null", f"insert into t values (null, 2, {NOW})"
    )
    with pytest.raises(LoadError, match=r"was \(id\) and is \(\) now"):
        drift.run()


def test_a_replication_key_that_is_retyped_goes_on_without_a_gap(drift):
    begin(drift, "int", 1)
    drift.change("alter table t alter updated_at type timestamptz using updated_at at time zone 'UTC'")
    drift.change("insert into t values (2, 2, '2017-01-01 00:00:01+00')")
    with pytest.raises(IncompatibleTypeError, match="updated_at"):
        drift.run()
    rows = drift.run(on_type_change="new_column")
    assert [row["id"] for row in rows] == [1, 1, 2]
    assert rows[-1]["updated_at__timestamptz"].isoformat() == "2017-01-01T00:00:01+00:00"
    assert len(drift.run(on_type_change="new_column")) == 3
