"""Dagster forgets runs of long ago, and nothing that it knows of the assets as they are."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from ecommerce_pipeline.operations import old_runs

HALF_A_YEAR = timedelta(days=181)
KPIS, DAILY = dg.AssetKey(["executive", "sales_kpis"]), dg.DailyPartitionsDefinition("2024-01-01")


@pytest.fixture
def later(lakehouse):
    """Half a year and a day from now."""

    def forget(**how):
        return old_runs.of(lakehouse.settings, datetime.now(UTC) + HALF_A_YEAR, **how)

    return forget


def ids(instance):
    return {run.run_id for run in instance.get_runs()}


def test_the_last_run_of_an_asset_and_a_check_stays_and_those_before_go_with_their_files(lakehouse, later):
    for _ in range(2):
        assert lakehouse.run()
    [last, *earlier] = [run.run_id for run in lakehouse.instance.get_runs()]
    assert old_runs.of(lakehouse.settings, datetime.now(UTC), forget=True) == 0  # of today
    assert later() == 1
    assert ids(lakehouse.instance) == {last, *earlier}  # the plan changes nothing
    assert later(forget=True) == 1
    assert ids(lakehouse.instance) == {last}
    left = [path.name for path in lakehouse.settings.dagster_home.rglob("*") if path.name.startswith(tuple(earlier))]
    assert left == []
    table = dg.AssetKey(["finance", "daily_revenue"])
    assert lakehouse.instance.get_latest_materialization_event(table).run_id == last
    checks = lakehouse.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(table, "keeps_its_rules"), limit=10
    )
    assert [check.run_id for check in checks] == [last]
    assert later(forget=True) == 0


def test_the_run_that_made_a_day_stays_so_that_the_day_is_not_missing(lakehouse, later):
    @dg.asset(key=KPIS, partitions_def=DAILY)
    def kpis() -> None: ...

    for day in ("2024-05-01", "2024-05-01", "2024-05-02"):
        dg.materialize([kpis], partition_key=day, instance=lakehouse.instance)
    assert later(forget=True) == 1
    assert lakehouse.instance.get_materialized_partitions(KPIS) == {"2024-05-01", "2024-05-02"}


def test_a_run_that_works_is_not_forgotten_however_old(lakehouse, later):
    job = lakehouse.definitions.resolve_job_def("daily_update")
    lakehouse.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert later(forget=True) == 0


def test_a_lake_without_runs_has_none_to_forget_and_gets_no_instance(lakehouse, tmp_path):
    there = lakehouse.settings.model_copy(update={"home": tmp_path / "new"})
    assert old_runs.of(there, datetime.now(UTC)) == 0
    assert not (tmp_path / "new").exists()
