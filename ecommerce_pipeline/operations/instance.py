"""The Dagster instance of this lake: its folder, its `dagster.yaml`, and the runs that died without saying so.

The configuration is rendered from the settings at every start, so that it cannot drift from them: telemetry off, one
op at a time in a pool, ticks forgotten after a while. A run that the command line started and that was killed would
hold its pool for ever, because Dagster frees pools from a daemon that need not be running: such runs are found by
their process, reported as failed, and recorded by the next run.
"""

from __future__ import annotations

import json
from pathlib import Path

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.lakehouse import processes
from ecommerce_pipeline.operations import json_logs
from ecommerce_pipeline.settings import Settings

PID_TAG = "shopsphere/pid"
STARTED_TAG = "shopsphere/process-started"  # a pid is given away again
HOST_TAG = "shopsphere/host"
OWN_TAG = "shopsphere/run-id"  # of the run that the tags are about: one that is executed again inherits them all
UNRECORDED_TAG = "shopsphere/unrecorded"  # yes: its end is still to be recorded, see run_ends
UNFINISHED = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def prepare(settings: Settings) -> Path:
    """Write `dagster.yaml` (0600: the stack's holds a password); returns the folder to name as DAGSTER_HOME."""
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    rendered = json.dumps(_configuration(settings), indent=2) + "\n"  # JSON is YAML
    path = home / "dagster.yaml"
    if not path.exists() or path.read_text() != rendered:
        write_private(path, rendered)
    return home


def open_instance(settings: Settings) -> DagsterInstance:
    """The instance, for a run of the command line; dead runs of earlier ones are closed first."""
    instance = DagsterInstance.from_config(str(prepare(settings)))
    _close_dead_runs(instance)
    return instance


def run_tags(run_id: str) -> dict[str, str]:
    """Tags by which a later process can tell whether this one, which runs it, is alive, and that the run is to be
    recorded: Dagster's sensors pass over runs of the command line, so a killed one is found by its tag.
    """
    pid, started = processes.own()
    alive = {PID_TAG: str(pid), STARTED_TAG: started, HOST_TAG: processes.HOST}
    return {**alive, OWN_TAG: run_id, UNRECORDED_TAG: "yes"}


def _close_dead_runs(instance: DagsterInstance) -> None:
    for run in instance.get_runs(RunsFilter(statuses=UNFINISHED, tags={HOST_TAG: processes.HOST})):
        pid = int(run.tags[PID_TAG])
        if run.tags.get(OWN_TAG, run.run_id) != run.run_id:
            continue  # Dagster's daemon runs it
        if processes.started(pid) != run.tags[STARTED_TAG]:
            instance.report_run_failed(run, f"the process {pid} that ran it ended without a word (killed?)")
            instance.add_run_tags(run.run_id, {UNRECORDED_TAG: "yes"})
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _configuration(settings: Settings) -> dict[str, object]:
    home = settings.dagster_home
    return {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "storage": _storage(settings),
        "local_artifact_storage": {
            "module": "dagster.core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(home)},
        },
        "concurrency": {"pools": {"default_limit": 1, "granularity": "op"}, "runs": {"max_concurrent_runs": 1}},
        "run_launcher": {"module": "ecommerce_pipeline.operations.run_launcher", "class": "WatchedRunLauncher"},
        "run_monitoring": {"enabled": True, "poll_interval_seconds": 30, "free_slots_after_run_end_seconds": 60},
        **(json_logs.configuration(settings) if settings.log_format == "json" else {}),
        "retention": {
            "schedule": {"purge_after_days": 90},
            "sensor": {"purge_after_days": {"skipped": 7, "failure": 30, "success": 90}},
        },
    }


def _storage(settings: Settings) -> dict[str, object]:
    if settings.profile == "stack":
        # Dagster speaks to PostgreSQL by its own driver
        return {"postgres": {"postgres_url": settings.postgres_address("dagster").replace("+psycopg", "")}}
    base_dir = {"base_dir": str(settings.dagster_home / "storage")}
    return {
        "custom": {"module": "ecommerce_pipeline.operations.run_storage", "class": "KeptStorage", "config": base_dir}
    }
