"""Each incident is told once when it opens and once when it is over, with what a woken person needs."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import get_args

import certifi
import dagster as dg
import pyarrow as pa
import pytest
from dagster import DagsterEvent, DagsterEventType
from dagster._core.events import JobFailureData, RunFailureReason, StepSuccessData
from pydantic import SecretStr

from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.operations.alerts import lake, notice, runs, store, watch
from ecommerce_pipeline.operations.alerts.channels import AlertsError
from ecommerce_pipeline.operations.alerts.findings import Kind
from ecommerce_pipeline.operations.alerts.sensor import alerts
from ecommerce_pipeline.operations.instance import PID_TAG
from ecommerce_pipeline.settings import ROOT

DOWN = "tap-shop: connection to server at 127.0.0.1 failed: Connection refused. Next: bring it back, run again"
REFUSED = "Nothing was published: 1 results stand against it. Readers keep the tables they had."
HOUR = timedelta(hours=1)


@pytest.fixture
def told(lakehouse, receiver):
    """The lakehouse, telling the receiver."""
    return lakehouse.with_settings(alerts_to=SecretStr(receiver.address))


def test_a_failed_step_is_told_with_cause_impact_owner_link_and_runbook(told, trouble, receiver):
    trouble.source = DOWN
    assert not told.run()
    told.look()
    [said] = receiver.bodies
    assert (said["event"], said["kind"], said["what"]) == ("opened", "run", "raw_shop__orders failed in daily_update")
    assert said["cause"] == DOWN
    assert said["tables"] == ["finance.daily_revenue", "raw_shop.orders"]
    assert said["dashboards"] == ["finance"]
    assert said["owners"] == ["shop"]
    [run] = told.instance.get_runs()
    assert said["link"] == f"https://dagster.example.com/runs/{run.run_id}"
    assert said["runbook"] == "docs/runbooks/a-run-failed.md"
    assert said["since"].endswith("Z")


def test_a_source_that_fails_again_and_again_is_told_once_and_its_recovery_once(told, trouble, receiver):
    trouble.source = DOWN
    for _ in range(3):
        told.run()
        told.look()
    told.look()
    assert [said["event"] for said in receiver.bodies] == ["opened"]
    trouble.source = ""
    assert told.run()
    told.look()
    told.look()
    assert [said["event"] for said in receiver.bodies] == ["opened", "recovered"]
    assert receiver.bodies[1]["incident"] == receiver.bodies[0]["incident"]
    assert receiver.bodies[1]["until"] >= receiver.bodies[1]["since"]


def test_a_failure_that_was_mended_before_anybody_looked_is_told_with_its_end(told, trouble, receiver):
    trouble.source = DOWN
    told.run()
    trouble.source = ""
    told.run()
    told.look()
    assert [said["event"] for said in receiver.bodies] == ["opened", "recovered"]


def test_the_next_failure_after_a_recovery_is_a_new_incident(told, trouble, receiver):
    for source in (DOWN, "", DOWN):
        trouble.source = source
        told.run()
        told.look()
    assert [said["event"] for said in receiver.bodies] == ["opened", "recovered", "opened"]


def test_a_refused_publication_says_which_table_failed_and_that_readers_keep_yesterdays(told, trouble, receiver):
    trouble.check = REFUSED
    assert not told.run()
    told.look()
    [said] = receiver.bodies
    assert said["kind"] == "check"
    assert "readers keep yesterday's tables" in said["what"]
    assert said["tables"] == ["finance.daily_revenue"]
    assert said["dashboards"] == ["finance"]
    assert said["owners"] == ["finance"]
    assert said["runbook"] == "docs/runbooks/a-check-failed.md"
    trouble.check = ""
    told.run()
    told.look()
    assert receiver.bodies[-1]["event"] == "recovered"


def test_a_check_that_fails_while_its_step_goes_on_is_told_too(told, trouble, receiver):
    trouble.chart = "Revenue by day: no such column"
    assert told.run()
    told.look()
    [said] = receiver.bodies
    assert said["what"] == "every_chart_returns_rows of dashboards.finance does not hold"
    assert said["cause"] == "broken: Revenue by day: no such column"
    assert said["dashboards"] == ["finance"]
    trouble.chart = ""
    told.run()
    told.look()
    assert [said["event"] for said in receiver.bodies] == ["opened", "recovered"]


def test_marts_past_their_deadline_by_the_wall_clock_are_told_once_for_all_until_a_run_publishes(told, receiver):
    assert told.run()
    told.look(35 * HOUR)
    assert receiver.bodies == []
    for hours in (37, 38):
        told.look(hours * HOUR)
    [said] = [said for said in receiver.bodies if said["event"] == "opened"]
    assert said["what"] == "1 of 1 marts are older than their deadline of 36 h"
    assert said["dashboards"] == ["finance"]
    told.run()
    told.look(2 * HOUR)
    assert [said["event"] for said in receiver.bodies if said["kind"] == "deadline"] == ["opened", "recovered"]


def test_a_lake_that_never_published_misses_no_deadline(told, receiver):
    told.look(1000 * HOUR)
    assert [said for said in receiver.bodies if said["kind"] == "deadline"] == []


def test_a_disk_that_runs_short_is_told_and_is_well_only_with_room_to_spare(told, receiver):
    assert told.with_settings(alerts_disk_gb=1e9).look().opened[0].kind == "disk"
    nearly = told.with_settings(alerts_disk_gb=free_gb(told) * 0.9)
    assert nearly.look().recovered == ()  # above the limit, and not yet a quarter above
    assert told.with_settings(alerts_disk_gb=0).look().recovered[0].kind == "disk"
    assert [said["event"] for said in receiver.bodies] == ["opened", "recovered"]


def free_gb(told):
    import psutil

    return psutil.disk_usage(str(told.settings.home)).free / 1e9


def test_scarce_memory_is_told_with_the_largest_process(told, receiver):
    told.with_settings(alerts_memory_gb=1e9).look()
    [said] = receiver.bodies
    assert said["kind"] == "memory"
    assert "pid " in said["cause"]


DAY = datetime(2017, 12, 15, tzinfo=UTC).date()


@pytest.fixture
def publish(told):
    """Puts the figures of a publication into the lake."""

    def write(held=0, is_anomaly=False, behind=0, records=100, is_over=True, so_far=()):
        seq = 1 + len(list(told.instance.get_runs()))
        scores = {
            "source_system": ["shop"], "source_table": ["orders"], "owner": ["orders-team"], "rows_checked": [1000],
            "held": [held], "commit_seq": [seq],
        }  # fmt: skip
        days = [DAY, *so_far]
        day = {
            "revenue_date": days, "revenue": [100.0] * len(days), "expected": [900.0] * len(days),
            "robust_z": [-5.5] * len(days), "is_anomaly": [is_anomaly, *(True for _ in so_far)],
        }  # fmt: skip
        shop = {"source_system": ["shop"] * 2, "source_table": ["orders", "payments"], "owner": ["orders-team"] * 2}
        streams = shop | {
            "days_behind": [behind] * 2, "allowed_days": [1, 2], "latest_day": [DAY - timedelta(days=behind)] * 2,
            "company_day": [DAY] * 2, "is_fresh": [behind <= 1, behind <= 2],
        }  # fmt: skip
        volumes = shop | {
            "volume_date": [DAY] * 2, "latest_day": [DAY + timedelta(days=int(is_over))] * 2, "records": [records] * 2,
            "expected": [100.0] * 2, "at_least": [1] * 2, "is_too_few": [False] * 2, "is_recent": [True] * 2,
            "is_unusual": [abs(records - 100) > 30] * 2,
        }  # fmt: skip
        with open_catalog(told.settings) as catalog:
            for name, rows in (
                (lake.SCORECARD, scores), (lake.ANOMALIES, day), (lake.FRESHNESS, streams), (lake.VOLUMES, volumes)
            ):  # fmt: skip
                catalog.create_namespace_if_not_exists(name[0])
                table = pa.table(rows)
                catalog.create_table_if_not_exists(name, schema=table.schema).overwrite(table)
        told.run()

    return write


def test_too_much_held_back_and_unusual_revenue_are_told_and_are_over_with_a_good_publication(told, receiver, publish):
    publish(held=60, is_anomaly=True)
    told.look()
    told.look()
    held, unusual = sorted(receiver.bodies, key=lambda said: said["kind"])
    assert held["what"] == "6.0% of what shop.orders sent last is held back"
    assert held["owners"] == ["orders-team", "shop"]
    assert held["dashboards"] == ["finance"]
    assert unusual["what"] == "revenue of 2017-12-15 is $100.00, where $900.00 was expected"
    publish(held=10, is_anomaly=False)
    told.look()
    assert sorted(said["kind"] for said in receiver.bodies if said["event"] == "recovered") == ["quarantine", "revenue"]


def test_revenue_of_a_day_still_going_on_in_the_business_zone_is_nobodys_alarm(told, publish):
    publish(so_far=[DAY + timedelta(days=1)])
    evening = datetime(2017, 12, 17, 3, tzinfo=UTC)  # of the 16th in Los Angeles
    there = told.settings.model_copy(update={"business_timezone": "America/Los_Angeles"})
    assert list(lake.findings(there, evening)) == []
    [wrong] = lake.findings(there, evening + timedelta(hours=5))
    assert wrong.what.startswith("revenue of 2017-12-16 is")


def test_streams_behind_the_companys_clock_are_told_once_a_system_and_are_over_when_they_have_caught_up(
    told, receiver, publish
):
    for behind in (2, 3):
        publish(behind=behind)
        told.look()
    [said] = receiver.bodies
    assert said["what"] == "1 of shop's streams lie behind the company's clock, 2017-12-15"
    assert said["cause"] == "shop.orders: the latest record is of 2017-12-13, 2 days behind, 1 are allowed"
    assert said["owners"] == ["orders-team", "shop"]
    assert said["dashboards"] == ["finance"]
    assert said["runbook"] == "docs/runbooks/a-stream-fell-behind.md"
    publish(behind=1)
    told.look()
    assert [(said["kind"], said["event"]) for said in receiver.bodies[1:]] == [("freshness", "recovered")]


def test_an_unusual_number_of_records_is_told_once_a_system_and_is_over_when_the_day_is_restated(
    told, receiver, publish
):
    for records in (50, 51):
        publish(records=records)
        told.look()
    [said] = receiver.bodies
    assert said["what"] == "shop brought an unusual number of records on 2017-12-15"
    assert said["cause"].splitlines() == [
        f"shop.{table} of 2017-12-15: 50 records, where 100 were expected" for table in ("orders", "payments")
    ]
    assert said["runbook"] == "docs/runbooks/unusual-volume.md"
    publish(records=100)
    told.look()
    assert [(said["kind"], said["event"]) for said in receiver.bodies[1:]] == [("volume", "recovered")]


def test_a_day_that_is_still_going_on_can_have_too_many_records_and_not_yet_too_few(told, receiver, publish):
    publish(records=50, is_over=False)
    told.look()
    assert receiver.bodies == []
    publish(records=200, is_over=False)
    told.look()
    assert [said["kind"] for said in receiver.bodies] == ["volume"]


@pytest.fixture
def hidden(told):
    """Takes the lake's files away while the block runs, as a volume that is not mounted or a store that is down."""

    @contextmanager
    def hide():
        warehouse = told.settings.lake_dir / "warehouse"
        away = warehouse.rename(warehouse.with_name("away"))
        yield
        away.rename(warehouse)

    return hide


def test_a_lake_that_cannot_be_read_is_told_itself_and_keeps_nothing_else_from_being_told(
    told, trouble, receiver, publish, hidden
):
    publish(held=60)
    told.with_settings(alerts_digest_hour=0).look()
    trouble.source = DOWN
    with hidden():
        told.run()
        late = told.with_settings(alerts_disk_gb=1e9, alerts_digest_hour=0)
        for _ in range(2):
            late.look(37 * HOUR)
    kinds = [said["kind"] for said in receiver.bodies]
    assert kinds[0] == "quarantine"
    assert sorted(kinds[1:]) == ["deadline", "digest", "disk", "lake", "run"]
    silent = receiver.bodies[kinds.index("lake")]
    assert silent["what"] == "the lake cannot be read"
    assert "FileNotFoundError" in silent["cause"]
    assert "Next: `shopsphere doctor`" in silent["cause"]
    assert silent["runbook"] == "docs/runbooks/the-lake-cannot-be-read.md"


def test_what_a_run_left_in_a_lake_that_could_not_be_read_is_told_when_it_can(told, receiver, publish, hidden):
    publish(held=60)
    told.look()
    publish(held=10, is_anomaly=True)
    with hidden():
        told.look()
    told.look()
    assert [(said["kind"], said["event"]) for said in receiver.bodies] == [
        ("quarantine", "opened"),
        ("lake", "opened"),
        ("revenue", "opened"),
        ("lake", "recovered"),
        ("quarantine", "recovered"),
    ]
    told.look()
    assert len(receiver.bodies) == 5


def test_a_run_that_went_well_in_an_outage_ends_no_later_failure_when_the_lake_is_asked_again(
    told, trouble, receiver, publish, hidden
):
    publish()
    with hidden():
        for trouble.source in ("", DOWN):
            told.run()
        for _ in range(3):
            told.look()
    assert [(said["kind"], said["event"]) for said in receiver.bodies] == [("run", "opened"), ("lake", "opened")]


@pytest.fixture
def on_trino(told, publish):
    """The same lake on the stack's profile, where Trino is to answer on that port."""
    publish(held=60)
    catalog, warehouse = SecretStr(f"sqlite:///{told.settings.lake_dir / 'catalog.db'}"), told.settings.warehouse
    stack = {"profile": "stack", "lake_catalog_uri": catalog, "lake_warehouse": warehouse, "trino_ca": certifi.where()}
    return lambda port: told.with_settings(**stack, trino_port=port)


def test_a_failed_run_is_told_although_trino_is_down(on_trino, told, trouble, receiver):
    trouble.source = DOWN
    told.run()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        on_trino(nobody.getsockname()[1]).look()
    assert [said["kind"] for said in receiver.bodies] == ["run", "lake"]
    assert "Next: `shopsphere stack status`" in receiver.bodies[1]["cause"]


def test_a_failed_run_is_told_while_trino_hangs(on_trino, told, trouble, receiver):
    trouble.source = DOWN
    told.run()
    with ThreadPoolExecutor(1) as pool, socket.create_server(("127.0.0.1", 0)) as hanging:
        hanging.settimeout(60)
        look = pool.submit(on_trino(hanging.getsockname()[1]).look)
        with hanging.accept()[0]:
            assert [said["kind"] for said in receiver.bodies] == ["run"]
    look.result()
    assert [said["kind"] for said in receiver.bodies] == ["run", "lake"]


def test_every_kind_of_incident_has_its_runbook():
    assert set(notice.RUNBOOKS) == set(get_args(Kind))
    assert [name for name in notice.RUNBOOKS.values() if not (ROOT / "docs/runbooks" / f"{name}.md").exists()] == []


def test_owners_are_told_of_what_is_theirs_and_those_of_everything_of_everything(told, trouble, receiver):
    routes = SecretStr(f"finance={receiver.address}/finance")
    finance = told.with_settings(alerts_routes=routes, alerts_to=SecretStr(""))
    trouble.source = DOWN
    finance.run()
    assert len(finance.look().opened) == 1
    assert receiver.bodies == []  # the shop's team is asked, and has no address
    trouble.source, trouble.check = "", REFUSED
    finance.run()
    finance.look()
    assert [said["kind"] for said in receiver.bodies] == ["check"]


def test_the_digest_comes_once_a_day_and_on_quiet_days_too(told, receiver):
    early, day = told.with_settings(alerts_digest_hour=0), timedelta(days=1)
    early.look()  # takes note, so that nobody is told of a day before the first look
    assert receiver.bodies == []
    for _ in range(2):
        early.look(day)
    [said] = receiver.bodies
    assert said["event"] == "digest"
    assert "all is well" in said["what"]
    assert "0 runs ended" in said["cause"]


def test_a_machine_that_looks_only_before_the_digests_hour_gets_it_with_its_next_look(told, receiver):
    three = datetime(2026, 11, 22, 3, tzinfo=UTC)
    graph, day = told.definitions.resolve_asset_graph(), timedelta(days=1)
    said = []
    for at in (three, three + HOUR, three + day, three + day + HOUR, three + 2 * day):
        watch.look(told.settings, told.instance, graph, at)
        said.append([one["event"] for one in receiver.bodies])
    assert said == [[], [], ["digest"], ["digest"], ["digest", "digest"]]


def begun(told, **tags):
    job = told.definitions.resolve_job_def("daily_update")
    run = told.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING, tags=tags)
    told.instance.report_dagster_event(DagsterEvent(DagsterEventType.RUN_START.value, job.name), run.run_id)
    return run


def test_a_run_whose_process_was_killed_is_told_and_is_over_with_the_next_good_one(told, receiver):
    told.instance.report_run_failed(begun(told), "the process 4711 that ran it ended without a word (killed?)")
    told.look()
    [said] = receiver.bodies
    assert said["what"] == "daily_update ended before its steps did"
    assert "the process 4711" in said["cause"]
    told.run()
    told.look()
    assert [said["event"] for said in receiver.bodies] == ["opened", "recovered"]


def test_a_success_from_before_a_failure_ends_no_incident_however_late_its_run_ends(told, trouble, receiver):
    earlier, step = begun(told), "raw_shop__orders"
    made = DagsterEvent(
        DagsterEventType.STEP_SUCCESS.value, earlier.job_name, step_key=step, event_specific_data=StepSuccessData(1.0)
    )
    told.instance.report_dagster_event(made, earlier.run_id)
    trouble.source = DOWN
    told.run()
    told.look()
    told.instance.report_dagster_event(
        DagsterEvent(DagsterEventType.RUN_SUCCESS.value, earlier.job_name), earlier.run_id
    )
    told.look()
    assert [(said["event"], said["incident"]) for said in receiver.bodies] == [("opened", f"run:{step}")]


def test_a_run_that_a_person_interrupted_at_the_terminal_is_nobodys_alarm(told, receiver):
    ended = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
    by_us = begun(told, **{PID_TAG: "4711"})
    event = DagsterEvent(DagsterEventType.RUN_FAILURE.value, by_us.job_name, event_specific_data=ended)
    told.instance.report_dagster_event(event, by_us.run_id)
    assert told.instance.get_run_by_id(by_us.run_id).is_failure
    told.look()
    assert receiver.bodies == []


def test_dagsters_sensor_tells_of_runs_that_no_command_line_started(told, trouble, receiver):
    watching = alerts(told.settings)
    assert watching.default_status == dg.DefaultSensorStatus.RUNNING
    repository = dg.Definitions.merge(told.definitions, dg.Definitions(sensors=[watching])).get_repository_def()
    trouble.source = DOWN
    told.run()
    for said in ("1 opened, 0 recovered, 1 messages told", "0 opened, 0 recovered, 0 messages told"):
        context = dg.build_sensor_context(told.instance, repository_def=repository)
        assert repository.get_sensor_def("alerts").evaluate_tick(context).skip_message == said
    assert [one["dashboards"] for one in receiver.bodies] == [["finance"]]


def test_a_run_is_looked_at_once(told, trouble):
    trouble.source = DOWN
    told.run()
    told.look()
    with store.opened(told.settings) as connection:
        seen = store.mark(connection, watch.LOOKED_AT)
    assert runs.ended_since(told.instance, seen) == []
    told.run()
    assert len(runs.ended_since(told.instance, seen)) == 1


def test_an_address_of_an_unknown_kind_is_refused_without_being_shown(told):
    with pytest.raises(AlertsError, match=r"SHOPSPHERE_ALERTS_TO .* Next: ") as refused:
        told.with_settings(alerts_to=SecretStr("pigeon://hunter2@loft")).look()
    assert "hunter2" not in str(refused.value)
