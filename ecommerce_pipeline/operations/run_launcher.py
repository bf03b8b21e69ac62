"""Starts runs as Dagster does by default, and can tell afterwards whether a run's process is still there.

Dagster's own launcher cannot, so a run whose process was killed, by the kernel for want of memory or with the whole
machine, stays "started" for ever, and with one run at a time nothing is started after it. Run monitoring asks this one
instead and reports such a run as failed.

Whether a process is still the one it was, its start in the system's own count says: a clock that is set forward, as
after a machine has slept, moves every time of day by which that could be told.
"""

from __future__ import annotations

import json

import psutil
from dagster import DagsterEventType, DagsterRun
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from ecommerce_pipeline.lakehouse import processes

SLACK_SECONDS = 5.0  # between the system's count and the clock
WORKER_TAG = "shopsphere/worker"  # the run's id with it: a run that is executed again inherits its parent's tags
HERE = {"localhost", "127.0.0.1", "::1"}


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's default launcher with a health check; named in `dagster.yaml`, made by Dagster."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """It does."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """FAILED when the run's process, on this machine, is gone; RUNNING when it is there or nobody can tell."""
        told = self._process_of(run)
        if told is None or json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("host", "localhost") not in HERE:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        pid, told_at = told
        started = processes.started(pid)
        worker, known = f"{run.run_id}:{pid}:{started}", run.tags.get(WORKER_TAG, "")
        if started is not None and not known.startswith(run.run_id) and psutil.boot_time() <= told_at + SLACK_SECONDS:
            self._instance.add_run_tags(run.run_id, {WORKER_TAG: worker})  # the first look; pids are given away again
            known = worker
        if started is not None and worker == known:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        message = f"the process {pid} that ran it ended without a word (killed?). Next: run it again"
        return CheckRunHealthResult(WorkerStatus.FAILED, message)

    def _process_of(self, run: DagsterRun) -> tuple[int, float] | None:
        """The process id as the run's first event of its own tells it, and when."""
        records = self._instance.get_records_for_run(run.run_id, of_type=DagsterEventType.ENGINE_EVENT).records
        for record in records:
            event = record.event_log_entry.dagster_event
            pid = event.engine_event_data.metadata.get("pid") if event else None
            if pid is not None:
                return int(str(pid.value)), record.event_log_entry.timestamp
        return None
