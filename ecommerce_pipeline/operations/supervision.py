"""The supervisor behind the services: its run folder, its configuration, its socket. `services` is what others use;
this is how it is done.

supervisord is configured below `var/run` from the templates in `deploy/supervisor`; the result is rendered at every
start and never edited. It answers on a Unix socket of mode 0600 only. Everything it starts inherits a mark in its
environment, by which `processes` finds what a dead supervisor left behind.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from ecommerce_pipeline.operations.processes import end, with_mark
from ecommerce_pipeline.settings import Settings

MARK = "SHOPSPHERE_SERVICES"
ANSWERS_WITHIN = 30.0  # seconds a new supervisor has to answer


class ServiceError(RuntimeError):
    """A service could not be started or stopped; the message names it, its log and the next step."""


@dataclass(frozen=True)
class Program:
    """A process to keep running. `ready` is asked every fifth of a second until it is true, then `provision` is
    called, while the later programs go on starting; `user` is the system user, None for the present one; `ports` are
    the ports it takes, by the setting that chooses each.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    provision: Callable[[], None] = lambda: None
    ports: Mapping[str, int] = field(default_factory=dict)
    user: str | None = None
    directory: Path | None = None
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    ready_seconds: float = 60.0


@dataclass(frozen=True)
class Run:
    """The run folder of one home."""

    settings: Settings

    @property
    def folder(self) -> Path:
        """`var/run`."""
        return self.settings.home / "run"

    @property
    def pid_file(self) -> Path:
        """The supervisor's process id."""
        return self.folder / "supervisord.pid"

    @property
    def mark(self) -> str:
        """What tells this home's processes from another's."""
        return hashlib.sha256(os.fsencode(self.folder.resolve())).hexdigest()[:16]

    @property
    def socket(self) -> Path:
        """The control socket; elsewhere when its path is longer than a socket's may be (about 100 bytes)."""
        usual = self.folder / "supervisor.sock"
        if len(os.fsencode(usual)) <= 90:
            return usual
        return Path(tempfile.gettempdir()) / f"shopsphere-{os.getuid()}-{self.mark}" / "supervisor.sock"

    def log_of(self, name: str) -> Path:
        """A program's log."""
        return self.settings.log_dir / f"{name}.log"


@contextmanager
def alone(run: Run) -> Iterator[None]:
    """One starter or stopper at a time."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with (run.folder / "services.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def answer(run: Run) -> Any | None:
    """The supervisor's RPC namespace, None if nobody answers on the socket (not there, stale, or another's)."""
    from supervisor.xmlrpc import SupervisorTransport

    if not run.socket.exists():
        return None
    proxy = xmlrpc.client.ServerProxy(
        "http://127.0.0.1", transport=SupervisorTransport(None, None, f"unix://{run.socket}")
    )
    try:
        proxy.supervisor.getState()
    except (OSError, xmlrpc.client.Error):
        return None
    return proxy.supervisor


def clear(run: Run) -> None:
    """Ends what a supervisor left behind and removes its stale files."""
    left = end(with_mark(MARK, run.mark), seconds=15.0)
    if left:
        raise ServiceError(
            f"processes {left} of {run.folder} do not end. Next: look at them with `ps -fp {left[0]}` and kill them"
        )
    for stale in (run.socket, run.pid_file, *(run.folder / "programs").glob("*.conf")):
        stale.unlink(missing_ok=True)


def launch(run: Run) -> None:
    """Starts a supervisor without programs and waits until it answers; raises ServiceError."""
    for folder in (run.folder / "programs", run.settings.log_dir, run.socket.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700 if folder == run.socket.parent else 0o755)
    values = {
        "run": run.folder,
        "log": run.settings.log_dir,
        "socket": run.socket,
        "user": _user(None),
    }
    config = run.folder / "supervisord.conf"
    config.write_text(_render(run, "supervisord.conf", values), "utf-8")
    command = ["env", f"{MARK}={run.mark}", sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    launched = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if launched.returncode or not wait_for(lambda: answer(run) is not None, ANSWERS_WITHIN):
        raise ServiceError(
            f"supervisord did not start: {(launched.stderr or launched.stdout).strip()[-500:]}. "
            f"Next: read {run.log_of('supervisord')}"
        )


def program_config(run: Run, program: Program) -> str:
    """The program's part of the supervisor's configuration.

    The environment goes through `env`: the supervisor's own syntax for it knows no escapes.
    """
    setting = ["env", *(f"{name}={value}" for name, value in program.env.items())] if program.env else []
    values = {
        "name": program.name,
        "command": shlex.join([*setting, *program.command]),
        "directory": program.directory or run.settings.root,
        "user": _user(program.user),
        "stop_signal": program.stop_signal,
        "stop_seconds": program.stop_seconds,
        "log_twice": str(run.settings.log_dir).replace("%", "%%"),  # the supervisor expands this one twice
    }
    return _render(run, "program.conf", values)


def _render(run: Run, template: str, values: Mapping[str, object]) -> str:
    """The template filled in; a line without a value is left out."""
    text = (run.settings.root / "deploy" / "supervisor" / template).read_text("utf-8")
    filled = Template(text).substitute({name: str(value).replace("%", "%%") for name, value in values.items()})
    return "\n".join(line for line in filled.splitlines() if line != "user=") + "\n"


def _user(wanted: str | None) -> str:
    """The user line's value: root must be told whom to run as, anybody else may only run as themselves."""
    return (wanted or "root") if os.geteuid() == 0 else ""


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
