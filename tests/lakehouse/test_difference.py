"""What a branch changes, told row by row against where it started."""

from __future__ import annotations

import pyarrow as pa
import pytest

from ecommerce_pipeline.lakehouse import branch, difference
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import BranchError
from tests.lakehouse.iceberg import write


@pytest.fixture
def mine(embedded):
    write(embedded, "core.orders", 1)
    write(embedded, "core.lines", 1)
    branch.create(embedded, "mine")
    return embedded


def told(settings) -> dict[str, difference.Difference]:
    return {str(one.name): one for one in difference.differences(settings, "mine")}


def test_a_table_that_was_built_to_the_same_rows_differs_in_nothing(mine):
    write(mine, "core.orders", 1, "mine")
    [(name, one)] = told(mine).items()
    assert (name, one.is_none, one.rows_before, one.rows_after) == ("core.orders", True, 3, 3)


def test_other_values_are_told_by_row_and_by_column(mine):
    write(mine, "core.orders", 2, "mine")
    one = told(mine)["core.orders"]
    assert (one.only_before, one.only_after, one.values) == (3, 3, {"version": 3})
    assert one.sample_before[0] == {"id": 0, "version": 1}
    assert one.sample_after[0] == {"id": 0, "version": 2}


def test_a_row_too_many_shows_though_its_like_is_there(mine):
    table = open_catalog(mine, "mine").load_table("core.orders")
    table.append(pa.table({"id": pa.array([0], pa.int64()), "version": pa.array([1], pa.int64())}))
    one = told(mine)["core.orders"]
    assert (one.rows_before, one.rows_after, one.only_before, one.only_after) == (3, 4, 0, 1)


def test_columns_that_come_or_change_their_type_are_told(mine):
    catalog = open_catalog(mine, "mine")
    catalog.drop_table("core.orders")
    rows = pa.table({"id": pa.array([0, 1, 2], pa.int64()), "version": ["1"] * 3, "note": ["x"] * 3})
    catalog.create_table("core.orders", rows.schema).append(rows)
    one = told(mine)["core.orders"]
    assert one.columns == ("note string is new", "version was int64 and is string")
    assert (one.only_before, one.only_after, one.is_none) == (0, 0, False)


def test_tables_that_are_new_or_gone_are_told_with_their_rows(mine):
    write(mine, "growth.cohorts", 1, "mine")
    open_catalog(mine, "mine").drop_table("core.lines")
    found = told(mine)
    assert (found["growth.cohorts"].rows_before, found["growth.cohorts"].only_after) == (None, 3)
    assert (found["core.lines"].rows_after, found["core.lines"].only_before) == (None, 3)
    assert [tuple(one)[1:] for one in difference.written(mine, "mine")] == [(3, None), (None, 3)]


def test_what_production_loaded_since_is_not_the_branchs_doing(mine):
    write(mine, "core.orders", 9)
    write(mine, "core.lines", 2, "mine")
    assert list(told(mine)) == ["core.lines"]


def test_without_such_a_branch_there_is_nothing_to_compare(embedded):
    write(embedded, "core.orders", 1)
    with pytest.raises(BranchError, match="shopsphere branch list"):
        list(difference.differences(embedded, "nobodys"))
