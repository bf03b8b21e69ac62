"""kill -9 of Dagster's own processes: a run outlives its daemon and its code server, and one that does not is closed,
so that the next one starts.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus

from ecommerce_pipeline.operations import instance as instances
from tests.faults.stack_lab import LOAD, Lab
from tests.stack.conftest import free_ports

pytestmark = [pytest.mark.stack, pytest.mark.soak, pytest.mark.timeout(1800)]
LAUNCH = """mutation ($tables: [AssetKeyInput!]) { launchRun(executionParams: {
  mode: "default", selector: {repositoryLocationName: "shopsphere", repositoryName: "__repository__",
  jobName: "__ASSET_JOB", assetSelection: $tables}}) { __typename ... on LaunchRunSuccess { run { runId } } } }"""
TABLES = [{"path": ["raw_shop", table]} for table in ("orders", "order_items", "payments")]
PATIENCE = 300.0


class Dagster:
    """A code server and a daemon on the stack's lake, as a team runs them, each killed and started by the tests."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.settings = lab, lab.stack.settings
        self.home = instances.prepare(self.settings)
        self.port = free_ports(1)[0]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        server = {"host": "127.0.0.1", "port": self.port, "location_name": "shopsphere"}
        self.workspace = self.home / "workspace.yaml"
        self.workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}))
        self.commands = {
            "code server": ["dagster", "api", "grpc", "-m", "ecommerce_pipeline.definitions", "-p", str(self.port)],
            "daemon": ["dagster-daemon", "run", "-w", str(self.workspace)],
        }

    @property
    def env(self) -> dict[str, str]:
        own = {"HOME": str(self.lab.stack.home), "ENV_FILE": str(self.lab.stack.home / ".env"), "PROFILE": "stack"}
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHOPSPHERE_")},
            **{f"SHOPSPHERE_{name}": value for name, value in own.items()},
            "DAGSTER_HOME": str(self.home),
        }

    def start(self, name: str) -> None:
        log = (self.home / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(self._program(self.commands[name]), env=self.env, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        os.kill(self.running[name].pid, signal.SIGKILL)
        self.running.pop(name).wait()

    def launch(self) -> str:
        """Ask for a run of LOAD; its id, once the code server has answered."""
        asked = ["dagster-graphql", "-w", str(self.workspace), "-t", LAUNCH, "-v", json.dumps({"tables": TABLES})]
        said = subprocess.run(self._program(asked), env=self.env, capture_output=True, text=True, check=False)
        answer = json.loads(said.stdout)["data"]["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", said.stdout
        return answer["run"]["runId"]

    def run_of(self, run_id: str) -> DagsterRun:
        with DagsterInstance.from_config(str(self.home)) as instance:
            found = instance.get_run_by_id(run_id)
        assert found
        return found

    def wait_for(self, run_id: str, statuses: Sequence[DagsterRunStatus]) -> DagsterRun:
        found = eventually(lambda: (run := self.run_of(run_id)).status in statuses and run)
        assert found, self.logs()
        return found

    def workers(self) -> list[psutil.Process]:
        """The processes that execute runs."""
        return psutil.Process(self.running["code server"].pid).children()

    def logs(self) -> str:
        return "\n".join((self.home / f"{name}.log").read_text()[-3000:] for name in self.commands)

    def close(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGINT)
            process.wait(60)

    def _program(self, command: Sequence[str]) -> list[str]:
        return [str(Path(sys.executable).with_name(command[0])), *command[1:]]


@pytest.fixture
def dagster(stack_lab) -> Iterator[Dagster]:
    opened = Dagster(stack_lab)
    for name in opened.commands:
        opened.start(name)
    eventually(lambda: listens(opened.port))
    yield opened
    opened.close()


def test_a_run_outlives_its_daemon_and_the_next_daemon_starts_the_next_run(dagster):
    run_id = started(dagster)
    dagster.kill("daemon")
    assert dagster.wait_for(run_id, [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]).is_success
    queued = dagster.launch()
    dagster.start("daemon")
    assert dagster.wait_for(queued, [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]).is_success
    same_rows(dagster.lab)


def test_a_run_outlives_its_code_server(dagster):
    run_id = started(dagster)
    dagster.kill("code server")
    dagster.start("code server")
    assert dagster.wait_for(run_id, [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]).is_success
    same_rows(dagster.lab)


def test_a_run_whose_processes_all_died_is_closed_and_the_next_one_starts(dagster):
    """As after a power cut: the code server first, so that nobody is left to notice."""
    run_id = started(dagster)
    workers = dagster.workers()
    dagster.kill("daemon")
    dagster.kill("code server")
    for worker in workers:
        worker.kill()
    assert dagster.run_of(run_id).status == DagsterRunStatus.STARTED
    for name in dagster.commands:
        dagster.start(name)
    assert dagster.wait_for(run_id, [DagsterRunStatus.FAILURE])
    eventually(lambda: listens(dagster.port))
    again = dagster.launch()
    assert dagster.wait_for(again, [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]).is_success
    same_rows(dagster.lab)


def started(dagster: Dagster) -> str:
    """A day to load, and a run that is loading it."""
    dagster.lab.stack.run("simulate", "--days", "1")
    run_id = dagster.launch()
    dagster.wait_for(run_id, [DagsterRunStatus.STARTED])
    loading = dagster.lab.is_talking("target-iceberg", dagster.settings.minio_port)
    assert eventually(loading), dagster.logs()
    return run_id


def same_rows(lab: Lab) -> None:
    lab.recover(LOAD)
    lab.compare()


def eventually(true: Callable[[], object]) -> object:
    """What it gives once it is true, or in the end."""
    until = time.monotonic() + PATIENCE
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def listens(port: int) -> bool:
    """Whether somebody answers there; binding to it, even for a moment, could take it from who is about to."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
