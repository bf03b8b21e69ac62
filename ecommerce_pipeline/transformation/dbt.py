"""One dbt invocation: a process with structured logs, whose events are read as they happen.

dagster-dbt has a runner too, but it asks dbt for its version and opens the adapter in Dagster's own process before
every call: five seconds and a second writer on the lake for column metadata that the contracts already hold. The
translator and the selection logic are dagster-dbt's; only the process is started here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation.dbt_process import Task

STOP_SECONDS = 25.0
FINISHED = {"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult", "LogFreshnessResult"}


class DbtError(RuntimeError):
    """dbt itself could not do its work (no result of a model or test): its own words, and where its log is."""


@dataclass
class Invocation:
    """A dbt process; iterate it once for its events, then read what it used and said."""

    process: subprocess.Popen[str]
    log_path: Path
    errors: list[str] = field(default_factory=list)
    returncode: int | None = None
    cpu_seconds: float = 0.0
    peak_rss: int = 0

    def events(self) -> Iterator[dict[str, Any]]:
        """dbt's events in order; a consumer that stops early or is interrupted stops dbt."""
        assert self.process.stdout is not None  # noqa: S101 (opened with a pipe)
        try:
            for line in self.process.stdout:
                event = _parsed(line)
                if event["info"]["level"] == "error":
                    self.errors.append(str(event["info"]["msg"]))
                yield event
        except BaseException:
            self._stop()
            raise
        self._reap()

    def _stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _reap(self) -> None:
        # wait4 instead of wait: it also says what this one child used
        _, status, usage = os.wait4(self.process.pid, 0)
        self.returncode = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self.peak_rss = usage.ru_maxrss * 1024


class _Prepared:
    """At most one dbt process that waits for its task."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: subprocess.Popen[str] | None = None

    def launch(self) -> None:
        with self._lock:
            self._waiting = self._waiting or _launched()

    def take(self) -> subprocess.Popen[str]:
        with self._lock:
            process, self._waiting = self._waiting, None
        return process if process is not None and process.poll() is None else _launched()


_prepared = _Prepared()


def prepare() -> None:
    """Begin to import dbt, in a process aside, for an invocation that is about to come."""
    _prepared.launch()


def _launched() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ecommerce_pipeline.transformation.dbt_process"],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # its own group: a Ctrl-C on the terminal reaches dbt once, through us, and not twice
        start_new_session=True,
    )


def start(
    settings: Settings,
    arguments: Sequence[str],
    *,
    project_dir: Path,
    target_path: Path,
    environment: Mapping[str, str] | None = None,
) -> Invocation:
    """Start dbt on the settings' profile; artifacts and the debug log go to `target_path`."""
    target_path.mkdir(parents=True, exist_ok=True)
    task = Task(
        arguments=[*arguments, "--target", settings.profile, "--target-path", str(target_path)],
        folder=str(project_dir),
        environment={**_environment(settings, project_dir, target_path), **(environment or {})},
    )
    process = _prepared.take()
    assert process.stdin is not None  # noqa: S101 (opened with a pipe)
    process.stdin.write(json.dumps(asdict(task)) + "\n")
    process.stdin.flush()  # and never again: its closing is the sign that this process has died
    return Invocation(process, target_path / "dbt.log")


def run(settings: Settings, arguments: Sequence[str], *, project_dir: Path, target_path: Path) -> None:
    """Run dbt to its end; raises DbtError with its errors."""
    invocation = start(settings, arguments, project_dir=project_dir, target_path=target_path)
    said = [str(event["info"]["msg"]) for event in invocation.events()]
    if invocation.returncode:
        raise DbtError(failure_message(invocation, f"dbt {' '.join(arguments)}", said))


def failure_message(invocation: Invocation, what: str, said: Sequence[str] = ()) -> str:
    """What dbt could not do, in its words, and where to read more."""
    words = invocation.errors or list(said[-10:]) or ["dbt said nothing"]
    return "\n".join([f"{what} failed (exit {invocation.returncode}).", *words, f"Next: read {invocation.log_path}"])


def _environment(settings: Settings, project_dir: Path, target_path: Path) -> dict[str, str]:
    return {
        "SHOPSPHERE_HOME": str(settings.home),
        "SHOPSPHERE_PROFILE": settings.profile,
        # what the models read of the settings (dbt/macros/settings.sql), from wherever the settings have it
        "SHOPSPHERE_BUSINESS_TIMEZONE": settings.business_timezone,
        "SHOPSPHERE_COMPANY_CURRENCY": settings.company_currency,
        "SHOPSPHERE_REPORTING_THRESHOLD_USD": str(settings.reporting_threshold_usd),
        "DBT_PROFILES_DIR": str(project_dir),
        "DBT_LOG_PATH": str(target_path),
        "DBT_LOG_FORMAT": "json",
        "DBT_LOG_FORMAT_FILE": "text",
        "DBT_LOG_LEVEL_FILE": "info",  # debug writes ten megabytes a run; the SQL stands in target/run
        "DBT_USE_COLORS": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_VERSION_CHECK": "false",
        "DBT_PARTIAL_PARSE": "true",
        **_trino(settings),
    }


def _trino(settings: Settings) -> dict[str, str]:
    """What the target `stack` of dbt/profiles.yml reads."""
    if settings.profile != "stack":
        return {}
    return {
        "SHOPSPHERE_TRINO_HOST": settings.trino_host,
        "SHOPSPHERE_TRINO_PORT": str(settings.trino_port),
        "SHOPSPHERE_TRINO_USER": settings.trino_user,
        "SHOPSPHERE_TRINO_PASSWORD": settings.trino_password.get_secret_value(),
        "SHOPSPHERE_TRINO_CA": settings.trino_certificate,
        "REQUESTS_CA_BUNDLE": settings.trino_certificate,  # goes before what a client is told, wherever it is set
    }


def _parsed(line: str) -> dict[str, Any]:
    """dbt's event; a line that is none (a warning of a library) becomes an informational one."""
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if isinstance(event, dict) and "info" in event:
        return event
    return {"info": {"name": "Output", "level": "info", "msg": line.rstrip()}, "data": {}}
