"""Other programs are told of every run: figures, lineage events, log lines; and a run never fails because of them."""

import json
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from prometheus_client import start_http_server
from prometheus_client.parser import text_string_to_metric_families

from ecommerce_pipeline.lakehouse import processes
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.operations import (
    execution,
    metrics,
    open_lineage,
    outbox,
    pipeline_runs,
    run_ends,
    selection,
    sensors,
)
from ecommerce_pipeline.operations import instance as instances
from ecommerce_pipeline.operations.alerts import store
from tests.operations.conftest import speaking

DOWN = "tap-shop: Connection refused. Next: bring it back"


@pytest.fixture
def ended(lakehouse):
    """Runs the job and writes what is written at its end, with these settings."""

    def run(**changed):
        told = lakehouse.with_settings(**changed)
        told.run()
        [latest] = told.instance.get_runs(limit=1)
        graph = cache(told.definitions.resolve_asset_graph)
        run_ends.record(told.settings, told.instance, latest.run_id, graph)
        return latest.run_id

    return run


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_figures_are_of_the_last_run_of_each_asset_and_survive_the_process(ended, lakehouse, trouble):
    ended()
    trouble.source = DOWN
    ended()
    lakehouse.look()
    found = samples(metrics.text(lakehouse.settings))
    assert found["shopsphere_asset_succeeded", "raw_shop.orders", "raw_shop__orders"] == 0
    assert found["shopsphere_asset_succeeded", "finance.daily_revenue", "models"] == 1
    assert found["shopsphere_asset_published_timestamp_seconds", "raw_shop.orders", "raw_shop__orders"] > 1.7e9
    assert found["shopsphere_runs", "daily_update", "failed"] == 1
    assert found["shopsphere_runs", "daily_update", "succeeded"] == 1
    assert found["shopsphere_incidents_open", "run"] == 1
    assert found["shopsphere_disk_free_bytes",] > 0


def test_a_lake_without_runs_has_figures_of_the_machine_alone(lakehouse):
    names = {name for name, *_ in samples(metrics.text(lakehouse.settings))}
    assert "shopsphere_memory_available_bytes" in names
    assert "shopsphere_asset_rows" not in names


def test_the_figures_are_served_and_written_at_the_end_of_a_run(ended, lakehouse, tmp_path):
    ended(metrics_file=str(tmp_path / "textfile" / "shopsphere.prom"))
    written = samples((tmp_path / "textfile" / "shopsphere.prom").read_text())
    server, thread = start_http_server(0, addr="127.0.0.1", registry=metrics.registry(lakehouse.settings))
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=30) as answer:
            served = samples(answer.read().decode())
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert served.keys() == written.keys()
    assert ("shopsphere_runs", "daily_update", "succeeded") in served


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lineage_events_tell_what_each_asset_read_and_how_it_ended(ended, trouble, tmp_path):
    ended(openlineage_file=str(tmp_path / "lineage.jsonl"))
    trouble.source = DOWN
    ended(openlineage_file=str(tmp_path / "lineage.jsonl"))
    told = [(event["job"]["name"], event["eventType"]) for event in lines(tmp_path / "lineage.jsonl")]
    every = ["dashboards.finance", "finance.daily_revenue", "raw_shop.orders"]
    assert told[:6] == [(name, state) for name in every for state in ("START", "COMPLETE")]
    assert told[6:] == [(name, state) for name in every for state in ("START", "FAIL")]
    first = lines(tmp_path / "lineage.jsonl")[3]
    assert [dataset["name"] for dataset in first["inputs"]] == ["raw_shop.orders"]
    assert first["run"]["facets"]["parent"]["job"]["name"] == "daily_update"
    [output] = first["outputs"]
    [field] = output["facets"]["schema"]["fields"]
    assert (field["name"], field["type"]) == ("revenue", "decimal(18, 2)")
    [origin] = output["facets"]["columnLineage"]["fields"]["revenue"]["inputFields"]
    assert (origin["name"], origin["field"]) == ("raw_shop.orders", "total")
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 349


def test_a_start_and_its_end_are_one_run_of_the_asset_and_another_runs_are_another(ended, tmp_path):
    for _ in range(2):
        ended(openlineage_file=str(tmp_path / "lineage.jsonl"))
    ids = [event["run"]["runId"] for event in lines(tmp_path / "lineage.jsonl")]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 6


def test_lineage_events_reach_a_server(ended, receiver):
    ended(openlineage_url=f"http://127.0.0.1:{receiver.port}")
    assert [event["eventType"] for event in receiver.bodies] == ["START", "COMPLETE"] * 3


def test_lineage_that_a_server_does_not_take_is_kept_and_sent_again_in_order(ended, lakehouse, receiver, caplog):
    told = lakehouse.with_settings(openlineage_url=f"http://127.0.0.1:{receiver.port}")
    graph = told.definitions.resolve_asset_graph()
    receiver.answer = 503
    runs = [ended(openlineage_url=told.settings.openlineage_url) for _ in range(2)]
    assert receiver.bodies == []
    assert "They are kept and sent again" in caplog.text
    receiver.answer = 200
    now = datetime.now(UTC)
    assert open_lineage.send(told.settings, told.instance, graph, now) != []  # not yet: a minute is a minute
    assert open_lineage.send(told.settings, told.instance, graph, now + timedelta(minutes=2)) == []
    assert [body["run"]["facets"]["parent"]["run"]["runId"] for body in receiver.bodies[::6]] == runs
    assert open_lineage.send(told.settings, told.instance, graph, now + timedelta(minutes=20)) == []
    assert len(receiver.bodies) == 12


def test_lineage_is_kept_when_its_address_answers_no_http_or_is_none(ended, lakehouse, caplog):
    with speaking(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        ended(openlineage_url=f"http://127.0.0.1:{port}")
    ended(openlineage_url="marquez:5000")
    assert caplog.text.count("They are kept and sent again") == 2
    assert "Traceback" not in caplog.text


def test_lineage_that_a_server_refuses_for_good_is_given_up_and_shown(ended, lakehouse, receiver):
    told = lakehouse.with_settings(openlineage_url=f"http://127.0.0.1:{receiver.port}")
    graph, now = told.definitions.resolve_asset_graph(), datetime.now(UTC)
    receiver.answer = 422
    ended(openlineage_url=told.settings.openlineage_url)
    for minutes in range(20, 120, 20):
        open_lineage.send(told.settings, told.instance, graph, now + timedelta(minutes=minutes))
    with store.opened(told.settings) as connection:
        [given_up] = outbox.undelivered(connection)
    assert (given_up.state, given_up.tries, given_up.error) == ("given up", 5, "lineage:127.0.0.1 answered HTTP 422")


def test_what_cannot_be_written_is_a_warning_and_the_record_of_the_run_is_there(ended, lakehouse, caplog, tmp_path):
    (tmp_path / "file").write_text("")
    ended(metrics_file=str(tmp_path / "file" / "x.prom"), openlineage_file=str(tmp_path / "file" / "x.jsonl"))
    assert "the metrics were not written" in caplog.text
    assert "the lineage events were not written" in caplog.text
    assert ("shopsphere_runs", "daily_update", "succeeded") in samples(metrics.text(lakehouse.settings))


@pytest.fixture
def killed(lakehouse):
    """A run of the command line whose process was killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    run_id = str(uuid4())
    dead = {instances.PID_TAG: str(process.pid), instances.STARTED_TAG: processes.started(process.pid)}
    job = lakehouse.definitions.resolve_job_def("daily_update")
    run = lakehouse.instance.create_run_for_job(
        job, run_id=run_id, status=dg.DagsterRunStatus.STARTED, tags={**instances.run_tags(run_id), **dead}
    )
    process.kill()
    process.wait()
    return run


def recorded(settings):
    with open_catalog(settings) as catalog:
        if not catalog.table_exists(pipeline_runs.IDENTIFIER):
            return []
        return catalog.load_table(pipeline_runs.IDENTIFIER).scan().to_arrow().to_pylist()


@pytest.fixture
def daemon(lakehouse):
    """Dagster's daemon: starts a run that fails, and lets the sensor on failed runs see those that it is meant for."""

    class Daemon:
        def __init__(self, settings):
            sensed = dg.Definitions(sensors=sensors.sensors(settings))
            self.repository = dg.Definitions.merge(lakehouse.definitions, sensed).get_repository_def()
            self.location, self.cursor = RegisteredCodeLocationOrigin("lakehouse"), None
            self.tick()  # begins with what ends from now on

        def fail(self):
            origin = RemoteRepositoryOrigin(self.location, self.repository.name).get_job_origin("daily_update")
            job = lakehouse.definitions.resolve_job_def("daily_update")
            run = lakehouse.instance.create_run_for_job(job, remote_job_origin=origin)
            lakehouse.instance.report_run_failed(run)
            return run.run_id

        def tick(self):
            name = "record_runs_failure"
            context = dg.SensorEvaluationContext(
                lakehouse.instance.get_ref(), cursor=self.cursor, repository_name=self.repository.name,
                repository_def=self.repository, instance=lakehouse.instance, sensor_name=name,
                code_location_origin=self.location,
            )  # fmt: skip
            self.cursor = self.repository.get_sensor_def(name).evaluate_tick(context).cursor

    return Daemon


def test_a_run_of_the_command_line_that_was_killed_is_recorded_once_when_the_daemons_next_one_ends(
    killed, daemon, lakehouse, tmp_path
):
    settings = lakehouse.settings.model_copy(update={"openlineage_file": str(tmp_path / "lineage.jsonl")})
    watching = daemon(settings)
    lakehouse.instance.report_run_failed(killed)  # as its monitoring does
    watching.tick()
    assert recorded(settings) == []  # Dagster passes over it
    later = watching.fail()
    for _ in range(2):
        watching.tick()
    rows = recorded(settings)
    assert {row["run_id"] for row in rows} == {killed.run_id, later}
    assert {row["asset"] for row in rows} == {"raw_shop.orders", "finance.daily_revenue", "dashboards.finance"}
    assert {row["status"] for row in rows} == {"skipped"}
    assert sorted(event["eventType"] for event in lines(tmp_path / "lineage.jsonl")) == ["FAIL"] * 6 + ["START"] * 6


def test_a_run_of_the_command_line_that_still_works_is_recorded_by_none_but_itself(daemon, lakehouse):
    watching, run_id = daemon(lakehouse.settings), str(uuid4())
    job = lakehouse.definitions.resolve_job_def("daily_update")
    tags = instances.run_tags(run_id)
    lakehouse.instance.create_run_for_job(job, run_id=run_id, status=dg.DagsterRunStatus.STARTED, tags=tags)
    later = watching.fail()
    watching.tick()
    assert {row["run_id"] for row in recorded(lakehouse.settings)} == {later}


def test_a_killed_run_that_the_daemon_executes_again_is_left_to_the_daemon(killed, lakehouse):
    job = lakehouse.definitions.resolve_job_def("daily_update")
    again = lakehouse.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=killed.tags)
    with instances.open_instance(lakehouse.settings) as instance:
        assert instance.get_run_by_id(killed.run_id).is_failure
        assert not instance.get_run_by_id(again.run_id).is_finished


def test_a_run_of_the_command_line_that_was_killed_is_recorded_by_the_next_one(killed, lakehouse):
    target = selection.Target("daily_update", frozenset())
    assert execution.run(lakehouse.settings, lakehouse.definitions, target).succeeded
    rows = recorded(lakehouse.settings)
    assert len({row["run_id"] for row in rows}) == 2
    assert len([row for row in rows if row["run_id"] == killed.run_id]) == 3


def test_a_run_whose_end_meets_a_lake_that_cannot_be_written_is_recorded_by_the_next_one(lakehouse, caplog):
    target = selection.Target("daily_update", frozenset())
    in_the_way = Path(lakehouse.settings.warehouse.removeprefix("file://"), "ops")
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("a file where the table's folder would be")
    assert execution.run(lakehouse.settings, lakehouse.definitions, target).succeeded
    assert "was not recorded; the next one's end does it" in caplog.text
    assert recorded(lakehouse.settings) == []
    in_the_way.unlink()
    assert execution.run(lakehouse.settings, lakehouse.definitions, target).succeeded
    assert len({row["run_id"] for row in recorded(lakehouse.settings)}) == 2


def test_json_logs_have_a_line_a_message_with_run_step_and_asset(lakehouse):
    settings = lakehouse.settings.model_copy(update={"log_format": "json"})
    lakehouse.instance.dispose()
    with instances.open_instance(settings) as instance:
        job = lakehouse.definitions.resolve_job_def("daily_update")
        run_id = job.execute_in_process(instance=instance).run_id
    said = lines(settings.log_dir / "runs.jsonl")
    assert {line["run"] for line in said} == {run_id}
    [made] = [
        line
        for line in said
        if line.get("asset") == "finance.daily_revenue" and line["event"] == "ASSET_MATERIALIZATION"
    ]
    assert (made["job"], made["step"]) == ("daily_update", "models")


def test_no_program_is_told_of_anything_by_default(lakehouse):
    settings = lakehouse.settings
    assert (settings.metrics_file, settings.openlineage_url, settings.openlineage_file) == ("", "", "")
    assert settings.log_format == "text"
