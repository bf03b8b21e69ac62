"""A run whose process was killed is told from one that works, whoever started it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterInstance, DagsterRunStatus, job
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from ecommerce_pipeline.operations import instance as instances
from ecommerce_pipeline.operations.run_launcher import WORKER_TAG
from ecommerce_pipeline.settings import Settings


@job
def nothing() -> None:
    """Has no steps."""


@pytest.fixture
def instance(tmp_path) -> Iterator[DagsterInstance]:
    with instances.open_instance(Settings(_env_file=None, home=tmp_path / "var")) as opened:
        yield opened


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def run_by(instance: DagsterInstance, pid: int, ago: float = 0.0):
    """A run that told of its process some seconds ago."""
    run = instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED)
    told = DagsterEvent(
        DagsterEventType.ENGINE_EVENT.value,
        run.job_name,
        message=f"Started process for run (pid: {pid}).",
        event_specific_data=EngineEventData.in_process(pid),
    )
    instance.report_dagster_event(told, run.run_id, timestamp=time.time() - ago)
    return run


def test_a_run_whose_process_works_is_left_alone(instance, worker):
    found = instance.run_launcher.check_run_worker_health(run_by(instance, worker.pid))
    assert found.status == WorkerStatus.RUNNING


def test_a_run_whose_process_was_killed_has_failed_with_the_next_step(instance, worker):
    run = run_by(instance, worker.pid)
    worker.kill()
    worker.wait()
    found = instance.run_launcher.check_run_worker_health(run)
    assert found.status == WorkerStatus.FAILED
    assert f"the process {worker.pid} that ran it ended without a word (killed?). Next: run it again" in found.msg


def test_a_clock_that_was_set_forward_during_a_run_fails_no_run(instance, worker):
    run = run_by(instance, worker.pid, ago=60.0)  # its process seems to be a minute younger than its word
    for _ in range(2):
        found = instance.run_launcher.check_run_worker_health(instance.get_run_by_id(run.run_id))
        assert found.status == WorkerStatus.RUNNING
    worker.kill()
    worker.wait()
    found = instance.run_launcher.check_run_worker_health(instance.get_run_by_id(run.run_id))
    assert found.status == WorkerStatus.FAILED


def test_a_process_id_that_was_given_away_again_is_not_the_runs_process(instance, worker):
    run = run_by(instance, worker.pid)
    instance.run_launcher.check_run_worker_health(run)
    seen = instance.get_run_by_id(run.run_id).tags[WORKER_TAG]
    instance.add_run_tags(run.run_id, {WORKER_TAG: f"{seen} and another's"})
    found = instance.run_launcher.check_run_worker_health(instance.get_run_by_id(run.run_id))
    assert found.status == WorkerStatus.FAILED


def test_a_run_that_is_executed_again_is_not_held_against_its_parents_process(instance, worker):
    run = run_by(instance, worker.pid)
    instance.add_run_tags(run.run_id, {WORKER_TAG: "the parent:1:1"})
    found = instance.run_launcher.check_run_worker_health(instance.get_run_by_id(run.run_id))
    assert found.status == WorkerStatus.RUNNING


def test_a_process_of_before_the_last_boot_is_not_there(instance, worker):
    run = run_by(instance, worker.pid, ago=time.time() - psutil.boot_time() + 3600)
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.FAILED


def test_a_run_that_has_not_told_its_process_yet_is_left_alone(instance):
    run = instance.create_run_for_job(nothing, status=DagsterRunStatus.STARTED)
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


def test_a_run_on_another_machine_is_left_alone(instance, worker):
    run = run_by(instance, worker.pid)
    worker.kill()
    worker.wait()
    instance.add_run_tags(run.run_id, {GRPC_INFO_TAG: '{"host": "code.example.com", "port": 4000}'})
    elsewhere = instance.get_run_by_id(run.run_id)
    assert instance.run_launcher.check_run_worker_health(elsewhere).status == WorkerStatus.RUNNING
