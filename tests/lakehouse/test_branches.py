"""Branches: private copies of production that cost nothing and cannot hurt it."""

from __future__ import annotations

import pytest
from pyiceberg.exceptions import NoSuchTableError

from ecommerce_pipeline.lakehouse import branch, reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.errors import BranchError
from tests.lakehouse.conftest import files_of
from tests.lakehouse.iceberg import versions, write


@pytest.fixture
def lake(lake_settings):
    write(lake_settings, "core.orders", 1)
    write(lake_settings, "finance.revenue", 1)
    return lake_settings


def test_a_branch_starts_as_production_and_copies_no_file(lake):
    before = files_of(lake)
    branch.create(lake, "mine")
    assert versions(lake, "mine") == versions(lake) == {"core.orders": 1, "finance.revenue": 1}
    assert files_of(lake) == before


def test_what_happens_on_a_branch_stays_there(lake):
    branch.create(lake, "mine")
    write(lake, "core.orders", 2, "mine")
    write(lake, "core.orders", 3, "mine")
    write(lake, "growth.cohorts", 2, "mine")
    assert versions(lake) == {"core.orders": 1, "finance.revenue": 1}
    assert versions(lake, "mine") == {"core.orders": 3, "finance.revenue": 1, "growth.cohorts": 2}


def test_production_goes_on_without_changing_a_branch(lake):
    branch.create(lake, "mine")
    write(lake, "core.orders", 9)
    assert versions(lake, "mine")["core.orders"] == 1


def test_a_drop_on_a_branch_leaves_production_readable(lake, session):
    branch.create(lake, "mine")
    with session(lake, "mine") as connection:
        connection.execute("drop table lake.core.orders")
    with pytest.raises(NoSuchTableError):
        open_catalog(lake, "mine").load_table("core.orders")
    assert versions(lake)["core.orders"] == 1
    with reader.connect(lake) as connection:
        assert connection.execute("select count(*) from core.orders").fetchone() == (3,)


def test_a_dropped_branch_is_gone_and_production_is_not(lake):
    branch.create(lake, "mine")
    write(lake, "core.orders", 2, "mine")
    branch.drop(lake, "mine")
    assert branch.list_branches(lake) == []
    assert versions(lake) == {"core.orders": 1, "finance.revenue": 1}
    with pytest.raises(BranchError, match="no branch 'mine'"):
        open_catalog(lake, "mine")


def test_the_list_says_how_many_tables_a_branch_would_change(lake):
    branch.create(lake, "b_two")
    branch.create(lake, "a_none")
    write(lake, "core.orders", 2, "b_two")
    write(lake, "new.table", 2, "b_two")
    assert [(b.name, b.base, b.changes) for b in branch.list_branches(lake)] == [
        ("a_none", "lake", 0),
        ("b_two", "lake", 2),
    ]


def test_what_dbt_left_half_built_is_not_taken_along(lake):
    write(lake, "core.orders__dbt_tmp", 5)
    branch.create(lake, "mine")
    assert "core.orders__dbt_tmp" not in versions(lake, "mine")


def test_a_branch_of_a_branch_starts_from_it_and_keeps_it_open(lake):
    branch.create(lake, "parent")
    write(lake, "core.orders", 2, "parent")
    branch.create(lake, "child", base="parent")
    assert versions(lake, "child")["core.orders"] == 2
    with pytest.raises(BranchError, match="base of child"):
        branch.drop(lake, "parent")


@pytest.mark.parametrize("name", ["lake", "Mine", "1st", "a-b", "", "x" * 42, "a; drop table branches"])
def test_a_name_that_cannot_be_is_refused(embedded, name):
    with pytest.raises(BranchError, match="cannot be a branch's name"):
        branch.create(embedded, name)


def test_a_name_that_is_taken_or_unknown_is_refused_with_the_next_step(lake):
    branch.create(lake, "mine")
    with pytest.raises(BranchError, match=r"already.*branch drop mine"):
        branch.create(lake, "mine")
    with pytest.raises(BranchError, match=r"no branch 'theirs'.*mine"):
        branch.drop(lake, "theirs")
    with pytest.raises(BranchError, match="no branch 'theirs' to start from"):
        branch.create(lake, "next_one", base="theirs")
