"""Who builds on a branch is alone on it: nobody publishes it half built, and nobody takes it away."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from ecommerce_pipeline.cli import branches, console
from ecommerce_pipeline.lakehouse import branch, database
from ecommerce_pipeline.lakehouse.database import leases
from ecommerce_pipeline.lakehouse.errors import BranchError, LeaseHeld, LeaseLost
from ecommerce_pipeline.lakehouse.lease import TIME_TO_LIVE_SECONDS, hold
from ecommerce_pipeline.transformation import candidate
from tests.lakehouse.iceberg import versions, write

OLD = {"core.orders": 1, "finance.revenue": 1}


@pytest.fixture
def lake(lake_settings):
    for table in OLD:
        write(lake_settings, table, 1)
    return lake_settings


@pytest.fixture
def shopsphere(lake, monkeypatch):
    """The way to a `shopsphere branch` command on this lake; an error that the command would tell is raised."""
    monkeypatch.setattr(console, "settings", lambda: lake)
    return lambda *words: CliRunner().invoke(branches.app, words, catch_exceptions=False)


@pytest.mark.parametrize("command", ["publish", "drop"])
def test_a_branch_that_is_being_built_is_neither_published_nor_dropped(lake, shopsphere, command):
    branch.create(lake, "mine")
    with hold(lake, ["branch:mine"], "a build on branch mine"):
        write(lake, "core.orders", 2, "mine")
        with pytest.raises(LeaseHeld, match="branch:mine is being written by a build on branch mine"):
            shopsphere(command, "mine")
    assert versions(lake) == OLD
    assert versions(lake, "mine")["core.orders"] == 2
    shopsphere(command, "mine")
    assert branch.list_branches(lake) == []
    assert versions(lake)["core.orders"] == (2 if command == "publish" else 1)


def test_the_candidate_goes_live_only_by_its_run_and_is_dropped_only_after_it(lake, shopsphere):
    with candidate.fresh(lake, "run 1"):
        write(lake, "core.orders", 2, "lake_next")
        with pytest.raises(BranchError, match=r"published by the run that builds it.*Next: "):
            shopsphere("publish", "lake_next")
        with pytest.raises(LeaseHeld, match="run 1"):
            shopsphere("drop", "lake_next")
    with pytest.raises(BranchError, match=r"published by the run that builds it.*Next: "):
        shopsphere("publish", "lake_next")  # refused by its checks, it is as untested as before
    assert versions(lake) == OLD
    shopsphere("drop", "lake_next")
    assert branch.list_branches(lake) == []


def test_a_run_that_was_replaced_does_not_publish_the_branch_of_who_replaced_it(lake):
    with candidate.fresh(lake, "run 1") as mine:
        write(lake, "core.orders", 2, "lake_next")
        silence(lake)
        with candidate.fresh(lake, "run 2") as theirs:
            write(lake, "core.orders", 3, "lake_next")
            with pytest.raises(LeaseLost, match="branch:lake_next was taken over"):
                mine.publish(lake)
            assert versions(lake) == OLD
            write(lake, "finance.revenue", 3, "lake_next")
            theirs.publish(lake)
    assert set(versions(lake).values()) == {3}


def test_a_takeover_waits_for_the_publication_that_has_begun(lake):
    told = []

    def take_over() -> None:
        with hold(lake, ["branch:lake_next"], "run 2", wait_seconds=20):
            told.append("taken over")

    newcomer = threading.Thread(target=take_over)
    with hold(lake, ["branch:lake_next"], "run 1") as lease:
        silence(lake)
        with database.transaction(lake) as connection:
            lease.check(connection)
            newcomer.start()
            newcomer.join(0.5)
            told.append("published")
        newcomer.join()
    assert told == ["published", "taken over"]


def silence(settings) -> None:
    """Whoever holds a lease is on another host and was not heard of for longer than its time."""
    with database.transaction(settings) as connection:
        silent = leases.c.heartbeat_at - (TIME_TO_LIVE_SECONDS + 1) * 1000
        connection.execute(update(leases).values(host="elsewhere", heartbeat_at=silent))


@pytest.mark.parametrize("words", [("create", "lake_next"), ("create", "mine", "--base", "lake_next")])
def test_nobody_makes_the_candidate_or_stands_on_it(lake, shopsphere, words):
    with candidate.fresh(lake, "run 1"), pytest.raises(BranchError, match=r"its runs make and throw away.*Next: "):
        shopsphere(*words)
