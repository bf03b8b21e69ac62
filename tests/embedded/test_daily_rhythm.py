"""Running is safe to repeat: again, anew, or day by day, the marts come out the same."""

from datetime import timedelta

import pytest
from dagster import AssetKey

from ecommerce_pipeline.transformation import as_of, project
from tests.conftest import DAY, DAYS_LIVED, daily_update
from tests.embedded.comparing import MARTS, contents, difference, tables


@pytest.fixture(scope="module")
def anew(loaded, settings, tmp_path_factory):
    """A second lake, made in one run from the sources as they stand: what deleting the warehouse and running again
    gives.
    """
    from ecommerce_pipeline.definitions import lakehouse
    from ecommerce_pipeline.settings import Settings

    other = Settings(home=tmp_path_factory.mktemp("anew"))
    daily_update(other, lakehouse(other))
    return other


def test_every_day_arrived_in_every_daily_mart(lake, company):
    assert (company.clock - DAY).days == DAYS_LIVED
    for table, column in [("finance.daily_revenue", "revenue_date"), ("marketing.daily_funnel", "funnel_date")]:
        [(last,)] = lake.execute(f"select max({column}) from {table}").fetchall()
        assert last == company.clock, table


def test_day_by_day_gives_what_one_run_at_the_end_gives(lake, anew, company):
    from ecommerce_pipeline.lakehouse import reader

    with reader.connect(anew) as other:
        assert tables(other) == tables(lake)
        for table in tables(lake):
            lived, fresh = (contents(one, table, as_of=company.clock) for one in (lake, other))
            assert lived.num_rows > 0, table
            assert difference(lake, lived, fresh) == [], table


def test_a_rerun_changes_nothing(loaded, settings, definitions):
    from ecommerce_pipeline.lakehouse import reader

    before = reader.connect(settings)
    outcome = daily_update(settings, definitions)
    with reader.connect(settings) as after:
        for table in tables(after, (*MARTS, "staging", "quality")):
            assert difference(after, contents(before, table), contents(after, table)) == [], table
        for table in tables(after, ("raw_shop", "raw_catalog", "raw_hubspot", "raw_web", "raw_crm")):
            counts = [one.execute(f"select count(*) from {table}").fetchone() for one in (before, after)]
            assert counts[0] == counts[1], table
    assert outcome.materialised["raw_shop.orders"]["rows_added"] == 0


def test_tables_kept_by_day_hold_every_day_that_was_run(lake, company):
    for table in ("ml.customer_features", "executive.sales_kpis", "product.daily_inventory"):
        days = [day for (day,) in lake.execute(f"select distinct as_of from {table} order by 1").fetchall()]
        assert len(days) == DAYS_LIVED + 1, table
        assert days[-1] == company.clock, table


def test_the_days_that_a_table_lacks_are_seen_where_they_can_be_built_again(loaded, settings, company):
    days = as_of.days_held(settings, project.manifest(settings))
    assert set(days) == {AssetKey(["executive", "sales_kpis"]), AssetKey(["ml", "customer_features"])}
    lived = {company.clock - timedelta(days=ago) for ago in range(DAYS_LIVED + 1)}
    assert all(held == lived for held in days.values())
