"""A model's table goes back to any snapshot it still has, and forward again; nobody's write is lost over it."""

from datetime import UTC, datetime, timedelta

import pytest

from ecommerce_pipeline.lakehouse import branch, reader
from ecommerce_pipeline.lakehouse.errors import LeaseHeld, NotRolledBack, PublicationConflict, SnapshotUnknown
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.publish import publish
from ecommerce_pipeline.lakehouse.rollback import history, rollback

DAY = "mart.day"


@pytest.fixture
def mart(lake_settings, session, rebuild):
    """A table rebuilt three times, holding 1, 2 and 3 rows; its snapshots, oldest first."""
    for rows in (1, 2, 3):
        with session(lake_settings) as connection:
            connection.execute("create schema if not exists lake.mart")
            rebuild(connection, DAY, f"select range::bigint as n from range({rows})")
    return [moment.snapshot_id for moment in history(lake_settings, DAY)][::-1]


def rows(settings):
    with reader.connect(settings) as connection:
        return connection.execute(f"select count(*) from {DAY}").fetchone()[0]


def test_the_history_tells_every_snapshot_the_latest_first(lake_settings, mart):
    moments = history(lake_settings, DAY)
    assert [moment.is_current for moment in moments] == [True] + [False] * (len(mart) - 1)
    assert [moment.rows for moment in moments][:3] == [3, 2, 1]
    assert all(datetime.now(UTC) - moment.committed_at < timedelta(minutes=10) for moment in moments)


def test_a_table_goes_back_and_forward_and_a_pinned_reader_notices_nothing(lake_settings, mart):
    with reader.connect(lake_settings) as pinned:
        assert rollback(lake_settings, DAY, mart[0]).is_current
        assert rows(lake_settings) == 1
        assert pinned.execute(f"select count(*) from {DAY}").fetchone()[0] == 3
    rollback(lake_settings, DAY, mart[-1])
    assert rows(lake_settings) == 3


def test_a_time_means_the_table_as_it_stood_then(lake_settings, mart):
    second = next(moment for moment in history(lake_settings, DAY) if moment.snapshot_id == mart[1])
    rollback(lake_settings, DAY, second.committed_at)
    assert rows(lake_settings) == 2


def test_the_next_build_goes_on_from_a_table_that_was_rolled_back(lake_settings, mart, session, rebuild):
    rollback(lake_settings, DAY, mart[0])
    with session(lake_settings) as connection:
        rebuild(connection, DAY, "select range::bigint as n from range(4)")
    assert rows(lake_settings) == 4


def test_a_branch_made_before_is_not_published_over_the_rollback(lake_settings, mart, session, rebuild):
    branch.create(lake_settings, "lake_next")
    with session(lake_settings, "lake_next") as connection:
        rebuild(connection, DAY, "select range::bigint as n from range(9)")
    rollback(lake_settings, DAY, mart[0])
    with pytest.raises(PublicationConflict, match=r"mart\.day"):
        publish(lake_settings, "lake_next")
    assert rows(lake_settings) == 1


def test_a_table_that_is_being_written_is_left_alone(lake_settings, mart):
    with hold(lake_settings, [f"table:{DAY}"], "somebody"), pytest.raises(LeaseHeld, match="somebody"):
        rollback(lake_settings, DAY, mart[0])
    assert rows(lake_settings) == 3


@pytest.mark.parametrize("to", [12345, datetime(2001, 1, 1, tzinfo=UTC)])
def test_an_unknown_moment_is_refused_with_the_ones_there_are(lake_settings, mart, to):
    with pytest.raises(SnapshotUnknown, match=r"from \d{4}-\d\d-\d\d .* `shopsphere history mart.day`"):
        rollback(lake_settings, DAY, to)
    assert rows(lake_settings) == 3


def test_an_unknown_table_and_a_raw_log_are_refused_with_the_next_step(lake_settings, mart):
    with pytest.raises(SnapshotUnknown, match="`shopsphere tables`"):
        history(lake_settings, "mart.nothing")
    with pytest.raises(NotRolledBack, match=r"docs.runbooks.a-run-failed"):
        rollback(lake_settings, "raw_shop.orders", mart[0])
