"""Readers see whole publications only, and a run that a check refuses publishes nothing."""

import threading

import psutil
import pytest

from tests.refusal import a_rule_nobody_keeps, models_of

DBT = "ecommerce_pipeline.transformation.dbt_process"


def test_a_reader_in_a_loop_never_saw_half_a_publication(loaded, watched):
    assert watched.looks > 5
    assert watched.complaints == []


def test_every_run_recorded_what_it_did_to_every_asset(loaded, lake):
    found = lake.execute(
        "select run_id, count(*), count(distinct asset), count(*) filter (where status <> 'succeeded'), "
        "min(rows) filter (where asset = 'finance.daily_revenue') from ops.pipeline_runs group by 1"
    ).fetchall()
    recorded = {row[0]: row[1:] for row in found}
    for outcome in loaded:
        rows, assets, failed, revenue_days = recorded[outcome.run_id]
        assert rows == assets == len(outcome.materialised)
        assert failed == 0
        assert revenue_days > 300


def test_a_materialisation_says_what_was_published(loaded, lake):
    said = loaded[-1].materialised["finance.daily_revenue"]
    assert said["dagster/row_count"] == lake.execute("select count(*) from finance.daily_revenue").fetchone()[0]
    assert said["bytes"] > 0
    assert said["snapshot_id"].isdigit()
    assert said["seconds"] > 0
    assert {column.name for column in said["dagster/column_schema"].columns} >= {"revenue_date", "total_revenue"}


def test_a_column_is_traced_to_the_columns_it_is_made_of(loaded):
    lineage = loaded[-1].materialised["finance.daily_revenue"]["dagster/column_lineage"].deps_by_column
    origins = {(*dep.asset_key.path, dep.column_name) for dep in lineage["total_revenue"]}
    assert ("core", "fct_orders", "revenue") in origins
    staged = loaded[-1].materialised["staging.stg_shop__orders"]["dagster/column_lineage"].deps_by_column
    assert ("raw_shop", "orders", "order_id") in {(*d.asset_key.path, d.column_name) for d in staged["order_id"]}


def test_without_a_day_the_latest_orders_day_is_materialised(loaded, settings, company):
    import dagster as dg

    from ecommerce_pipeline.operations.instance import open_instance

    with open_instance(settings) as instance:
        days = instance.get_materialized_partitions(dg.AssetKey(["ml", "customer_features"]))
    assert company.clock.isoformat() in days


@pytest.fixture
def a_check_that_fails(settings, tmp_path):
    """A rule of finance.daily_revenue that no day with an order keeps."""
    with a_rule_nobody_keeps(settings, tmp_path):
        yield


@pytest.mark.usefixtures("a_check_that_fails")
def test_a_failing_check_publishes_nothing_and_keeps_the_candidate(loaded, settings):
    from ecommerce_pipeline.definitions import lakehouse
    from ecommerce_pipeline.lakehouse import reader
    from ecommerce_pipeline.lakehouse.branch import drop, list_branches
    from ecommerce_pipeline.operations import execution
    from ecommerce_pipeline.operations.selection import resolve

    before = models_of(settings)
    graph = lakehouse(settings)
    outcome = execution.run(settings, graph, resolve(graph, "finance.daily_revenue"))

    assert not outcome.succeeded
    assert "finance.daily_revenue" not in outcome.materialised
    [failure] = outcome.failures
    with reader.connect(settings) as published:
        earned = "select count(*) from finance.daily_revenue where total_revenue > 0"
        [(days,)] = published.execute(earned).fetchall()
    assert f"daily_revenue_keeps_its_rules: nobody_ever_pays ({days:,} rows)" in failure
    assert "shopsphere branch list" in failure
    assert models_of(settings) == before
    assert [branch.name for branch in list_branches(settings)] == ["lake_next"]
    drop(settings, "lake_next")


def test_a_range_of_days_is_backfilled_in_one_run(loaded, settings, definitions, company):
    import dagster as dg

    from ecommerce_pipeline.lakehouse import reader
    from ecommerce_pipeline.operations import execution
    from ecommerce_pipeline.operations.instance import open_instance
    from ecommerce_pipeline.operations.selection import resolve

    days = execution.Days("2017-11-01", "2017-11-03")
    outcome = execution.run(settings, definitions, resolve(definitions, "ml.customer_features"), days)
    assert outcome.succeeded, outcome.failures
    key = dg.AssetKey(["ml", "customer_features"])
    with open_instance(settings) as instance:
        assert {"2017-11-01", "2017-11-02", "2017-11-03"} <= instance.get_materialized_partitions(key)
    with reader.connect(settings) as after:
        built = after.execute("select distinct as_of::varchar from ml.customer_features order by 1").fetchall()
        [(last,)] = after.execute("select max(revenue_date) from finance.daily_revenue").fetchall()
    assert [day for (day,) in built][:3] == ["2017-11-01", "2017-11-02", "2017-11-03"]
    assert last == company.clock  # the past was built; nothing was rewound


@pytest.mark.usefixtures("loaded")
def test_a_dbt_that_is_killed_when_half_is_built_publishes_nothing_and_the_next_run_does(settings, definitions):
    from ecommerce_pipeline.lakehouse.branch import list_branches
    from ecommerce_pipeline.operations import execution
    from ecommerce_pipeline.operations.selection import resolve

    over = threading.Event()

    def kill_when_half_is_built():
        while not over.wait(0.02):
            if any(branch.changes for branch in list_branches(settings)):
                [build] = [child for child in psutil.Process().children() if DBT in child.cmdline()]
                build.kill()
                return

    target = resolve(definitions, "core.fct_orders, finance.daily_revenue")
    before = models_of(settings)
    killer = threading.Thread(target=kill_when_half_is_built)
    killer.start()
    outcome = execution.run(settings, definitions, target)
    over.set()
    killer.join()
    assert not outcome.succeeded
    assert any("dbt build" in failure for failure in outcome.failures), outcome.failures
    assert models_of(settings) == before
    assert execution.run(settings, definitions, target).succeeded
    assert list_branches(settings) == []
