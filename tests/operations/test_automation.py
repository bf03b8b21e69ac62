"""What happens by itself: a changed source is read and built once, and an outage leaves no day out."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from ecommerce_pipeline.ingestion.assets import raw_assets
from ecommerce_pipeline.operations import catch_up, partitions, schedules
from ecommerce_pipeline.operations.jobs import DAILY_UPDATE
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.sources import sensors
from ecommerce_pipeline.sources.assets import source_assets

KEPT = dg.AssetKey(["executive", "sales_kpis"])


@pytest.fixture
def files(tmp_path):
    """Two file sources; the databases and the API are not there at all."""
    for folder in ("events/2024-04-01", "crm"):
        (tmp_path / folder).mkdir(parents=True)
    write(tmp_path / "events" / "2024-04-01" / "08.jsonl")
    return tmp_path


def write(path: Path):
    path.write_text("{}\n")


@pytest.fixture
def sensor(lakehouse, files):
    """Evaluates the sensor as Dagster's daemon does, and keeps its cursor."""
    settings = lakehouse.settings.model_copy(
        update={"web_events_path": str(files / "events"), "crm_path": str(files / "crm")}
    )

    @dg.asset(
        key=KEPT,
        deps=[["raw_web", "events"], ["raw_shop", "orders"]],
        partitions_def=partitions.daily(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def kept() -> None: ...

    every = dg.AssetSelection.all()
    [changed] = sensors.sensors(settings, DAILY_UPDATE)
    definitions = dg.Definitions(
        assets=[*source_assets(settings), *raw_assets(settings), kept],
        jobs=[dg.define_asset_job(DAILY_UPDATE, every)],
        sensors=[changed],
    ).get_repository_def()
    cursor = None

    def tick():
        nonlocal cursor
        context = dg.build_sensor_context(lakehouse.instance, cursor, repository_def=definitions)
        found = definitions.get_sensor_def(changed.name).evaluate_tick(context)
        cursor = found.cursor or cursor
        return [{key.to_user_string() for key in request.asset_selection} for request in found.run_requests]

    return tick


def test_the_sensor_is_off_until_somebody_switches_it_on(lakehouse):
    [changed] = sensors.sensors(lakehouse.settings, DAILY_UPDATE)
    assert changed.default_status == dg.DefaultSensorStatus.STOPPED


def test_a_new_file_is_run_once_with_all_below_it_and_nothing_else(sensor, files):
    assert len(sensor()) == 1  # all that answers is new to it
    assert sensor() == []
    write(files / "events" / "2024-04-01" / "09.jsonl")
    assert sensor() == [{"raw_web/events", "executive/sales_kpis"}]
    assert sensor() == []


def test_a_source_that_does_not_answer_is_no_change_and_starts_no_run(sensor):
    sensor()
    assert sensor() == []  # the databases have no address in these settings


def test_what_changes_while_a_run_is_at_work_is_requested_after_it(sensor, files, lakehouse):
    sensor()
    write(files / "events" / "2024-04-01" / "09.jsonl")
    job = lakehouse.definitions.resolve_job_def(DAILY_UPDATE)
    run = lakehouse.instance.create_run_for_job(job, status=DagsterRunStatus.STARTED)
    assert sensor() == []
    lakehouse.instance.report_run_canceled(run)
    assert len(sensor()) == 1


FAR = date(2060, 1, 1)  # a day in the future was built before its end


def every_day(first, last):
    """The days from one to another, both included."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return {start + timedelta(days=number) for number in range((end - start).days + 1)}


@pytest.fixture
def missed(lakehouse):
    """The days of the schedule's run on a morning, when some days were built before and the lake holds some days."""
    settings = Settings(_env_file=None, home=lakehouse.settings.home, last_day=FAR)

    def days(built, until, held=None):
        for day in built:
            lakehouse.instance.report_runless_asset_event(dg.AssetMaterialization(KEPT, partition=day))
        tables = {KEPT: {date.fromisoformat(day) for day in built} if held is None else held}
        return catch_up.missed(settings, lakehouse.instance, tables, date.fromisoformat(until))

    return days


@pytest.fixture
def morning(lakehouse):
    """What the schedule requests at a moment, for a lake that holds some days."""

    def request(at, held=lambda: {}, zone="UTC"):
        settings = Settings(_env_file=None, home=lakehouse.settings.home, business_timezone=zone)
        kept = dg.AssetSpec(KEPT, partitions_def=partitions.daily(settings))

        @dg.multi_asset(specs=[kept], can_subset=True, backfill_policy=dg.BackfillPolicy.single_run())
        def models() -> None: ...

        @dg.job
        def upkeep() -> None: ...

        job = dg.define_asset_job(DAILY_UPDATE, dg.AssetSelection.all())
        every = schedules.schedules(settings, "upkeep", held)
        repository = dg.Definitions(assets=[models], jobs=[job, upkeep], schedules=every).get_repository_def()
        moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        context = dg.build_schedule_context(lakehouse.instance, moment, repository_def=repository)
        [request] = repository.get_schedule_def("every_day").evaluate_tick(context).run_requests
        return request

    return request


def test_days_that_an_outage_left_out_are_one_run(missed, morning):
    assert missed(["2017-12-01", "2017-12-02"], "2017-12-06") == ("2017-12-03", "2017-12-06")
    tags = morning("2017-12-07T03:00:00", lambda: {KEPT: every_day("2017-12-01", "2017-12-02")}).tags
    assert (tags[ASSET_PARTITION_RANGE_START_TAG], tags[ASSET_PARTITION_RANGE_END_TAG]) == ("2017-12-03", "2017-12-06")


def test_an_ordinary_morning_builds_yesterday(missed, morning):
    missed(["2017-12-05"], "2017-12-06")
    request = morning("2017-12-07T03:00:00", lambda: {KEPT: every_day("2017-12-05", "2017-12-05")})
    assert request.partition_key == "2017-12-06"
    assert ASSET_PARTITION_RANGE_START_TAG not in request.tags


def test_a_day_built_already_is_built_again_rather_than_none(missed):
    assert missed(["2017-12-06"], "2017-12-06") == ("2017-12-06", "2017-12-06")


def test_a_lake_without_days_begins_with_yesterday_and_not_with_the_calendar(missed):
    assert missed([], "2017-12-06") == ("2017-12-06", "2017-12-06")


def test_a_day_built_before_its_end_is_built_again_though_a_later_one_is_there(missed):
    """Built in the afternoon for the sensor; the run of the next morning failed; built in the afternoon again."""
    assert missed(["2050-01-03"], "2050-01-04", every_day("2050-01-01", "2050-01-04"))[0] == "2050-01-03"
    whole, held = ["2017-12-30"], every_day("2017-12-29", "2018-01-01")
    assert missed(whole, "2018-01-01", held) == (
        "2017-12-31",
        "2018-01-01",
    )  # Dagster keeps no partition of a day half over


def test_days_that_a_restored_or_rolled_back_table_lacks_are_built_again_whatever_dagster_saw(missed):
    built = sorted(map(str, every_day("2017-12-01", "2017-12-09")))
    assert missed(built, "2017-12-10", every_day("2017-12-01", "2017-12-04")) == ("2017-12-05", "2017-12-10")
    after_a_run = every_day("2017-12-01", "2017-12-04") | every_day("2017-12-10", "2017-12-10")
    assert missed([], "2017-12-11", after_a_run) == ("2017-12-05", "2017-12-11")


def test_a_lake_restored_where_dagster_remembers_nothing_goes_on_from_its_last_day(missed):
    held = every_day("2017-11-01", "2017-12-04")
    assert missed([], "2017-12-10", held) == ("2017-12-04", "2017-12-10")
    assert missed(["2017-12-10"], "2017-12-11", held | every_day("2017-12-05", "2017-12-10"))[0] == "2017-12-11"


def test_a_hole_of_long_ago_is_left_to_a_person(missed):
    held = every_day("2017-01-01", "2017-01-01") | every_day("2017-06-01", "2017-12-05")
    assert missed(["2017-12-05"], "2017-12-06", held) == ("2017-12-06", "2017-12-06")


def test_the_day_that_has_ended_is_the_business_zones(morning):
    assert morning("2017-12-06T18:00:00", zone="Asia/Tokyo").partition_key == "2017-12-06"
    assert morning("2017-12-07T11:00:00", zone="America/Los_Angeles").partition_key == "2017-12-06"


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 0), ("Asia/Tokyo", 15), ("America/Los_Angeles", 8)])
def test_the_daily_run_starts_when_the_last_partition_is_over(lakehouse, zone, hour):
    settings = Settings(_env_file=None, home=lakehouse.settings.home, business_timezone=zone)
    [daily, _] = schedules.schedules(settings, "upkeep", dict)
    assert daily.execution_timezone == zone
    assert partitions.daily(settings).time_window_for_partition_key("2017-12-06").end.astimezone(UTC).hour == hour


def test_a_lake_that_cannot_be_asked_delays_no_run(morning):
    def broken():
        raise ConnectionError("Trino is down")

    assert morning("2017-12-07T03:00:00", broken).partition_key == "2017-12-06"


def test_outside_the_companys_calendar_the_run_names_no_day(morning):
    request = morning("2026-11-22T03:00:00")
    assert request.partition_key is None
    assert not any("partition" in tag for tag in request.tags)
