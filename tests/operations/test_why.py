"""`why` names what made an asset red, stale or slow, from the records that runs leave behind."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from ecommerce_pipeline.operations import pipeline_runs
from ecommerce_pipeline.operations.why import why

REVENUE = dg.AssetKey(["finance", "daily_revenue"])
DOWN = "tap-shop: Connection refused. Next: bring the shop's database back\nStreams committed before are kept."


@pytest.fixture
def ask(lakehouse):
    """Asks about daily revenue, some time from now."""

    def reasons(after=timedelta(0)):
        graph = lakehouse.definitions.resolve_asset_graph()
        return why(lakehouse.settings, lakehouse.instance, graph, REVENUE, datetime.now(UTC) + after)

    return reasons


def test_what_was_never_made_says_how_to_make_it(ask):
    found = ask()
    assert (found.state, found.made) == ("never made", None)
    assert found.next == "`shopsphere materialize '+finance.daily_revenue'`"


def test_an_asset_that_waits_for_a_failed_source_says_which_and_what_to_do(ask, lakehouse, trouble):
    lakehouse.run()
    trouble.source = DOWN
    lakehouse.run()
    found = ask()
    assert found.state == "red"
    assert found.failures == (("raw_shop__orders failed in daily_update", DOWN),)
    assert found.made is not None
    assert found.next == "bring the shop's database back"


def test_a_refused_publication_names_the_check_that_does_not_hold(ask, lakehouse, trouble):
    trouble.check = "Nothing was published."
    lakehouse.run()
    found = ask()
    assert found.state == "red"
    assert found.broken_checks == ("keeps_its_rules [error]",)


def test_a_table_that_was_loaded_since_is_named_as_not_in_it_yet(ask, lakehouse):
    lakehouse.run()
    job = lakehouse.definitions.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(
        instance=lakehouse.instance, asset_selection=[dg.AssetKey(["raw_shop", "orders"])]
    ).success
    found = ask()
    assert found.state == "stale"
    assert [one.asset for one in found.newer_upstream] == ["raw_shop.orders"]
    assert found.next == "`shopsphere materialize 'raw_shop.orders+'` brings what is newer into it"


def test_an_asset_past_its_deadline_is_stale_and_so_is_what_it_reads(ask, lakehouse):
    lakehouse.run()
    assert ask().state == "fresh"
    found = ask(timedelta(hours=37))
    assert found.state == "stale"
    assert [one.asset for one in found.old_upstream] == ["raw_shop.orders"]
    assert "switch on the schedule" in found.next


def test_its_part_of_the_time_has_the_slowest_of_the_run_and_a_trend_from_six_runs_on(ask, lakehouse):
    for number in range(6):
        lakehouse.run()
        [run] = lakehouse.instance.get_runs(limit=1)
        pipeline_runs.record(lakehouse.settings, lakehouse.instance, run.run_id)
        if number == 0:
            assert ask().time.trend is None
    time = ask().time
    assert 0 < time.seconds <= time.run_seconds
    assert {asset for asset, _ in time.slowest} == {"dashboards.finance", "finance.daily_revenue", "raw_shop.orders"}
    assert time.trend is not None
