"""Long-lived processes and their one owner: the authority on starting them, knowing that they are ready, and
leaving nothing behind.

Programs come as `Program` objects from whoever has some (the demo company's databases, Dagster, a dashboard server);
none is known here by name. All live under one supervisor below `var/run` and log to `var/log`. `stop` ends it and
everything it or its children started, and so does the next `start` after a supervisor was killed: no orphan keeps a
port or a data folder.
"""

from __future__ import annotations

import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from ecommerce_pipeline.operations.processes import is_alive
from ecommerce_pipeline.operations.supervision import (
    Program,
    Run,
    ServiceError,
    alone,
    answer,
    clear,
    launch,
    program_config,
    wait_for,
)
from ecommerce_pipeline.ports import is_free
from ecommerce_pipeline.settings import Settings

__all__ = ["Program", "ServiceError", "ServiceStatus", "remove", "restart", "start", "status", "stop"]


@dataclass(frozen=True)
class ServiceStatus:
    """What the supervisor says of a program: its state (RUNNING, FATAL, …), process id (0 when not running) and
    seconds up.
    """

    name: str
    state: str
    pid: int
    seconds_up: int


def start(settings: Settings, programs: Sequence[Program]) -> None:
    """Starts the programs beside those already running and waits until each is ready; without effect on what runs
    unchanged.

    Raises ServiceError naming the first program that fails or is not ready in time; what was started stays for
    inspection until `stop`.
    """
    run = Run(settings)
    with alone(run):
        if answer(run) is None:
            clear(run)
            launch(run)
        _install(run, programs)
        for program in programs:
            _await(run, program)
            program.provision()


def restart(settings: Settings, program: Program) -> None:
    """Ends one program and starts it again with its present configuration; returns when it is ready.

    Raises ServiceError.
    """
    supervisor = answer(Run(settings))
    if supervisor is not None:
        with suppress(xmlrpc.client.Fault):  # not running, or not known yet
            supervisor.stopProcess(program.name)
    start(settings, [program])


def remove(settings: Settings, name: str) -> None:
    """Ends one program and forgets it; without effect if there is none of that name."""
    run = Run(settings)
    with alone(run):
        (run.folder / "programs" / f"{name}.conf").unlink(missing_ok=True)
        supervisor = answer(run)
        if supervisor is not None and name in {found.name for found in status(settings)}:
            supervisor.stopProcessGroup(name)
            supervisor.removeProcessGroup(name)


def stop(settings: Settings) -> None:
    """Ends the supervisor and every process it started; returns when all are gone. Without effect if nothing runs."""
    run = Run(settings)
    if not run.folder.exists():
        return
    with alone(run):
        supervisor = answer(run)
        if supervisor is not None:
            pid = int(supervisor.getPID())
            supervisor.shutdown()
            wait_for(lambda: not is_alive(pid), 60.0)
        clear(run)


def status(settings: Settings) -> list[ServiceStatus]:
    """Every program the supervisor knows, by name; an empty list when it is not running."""
    supervisor = answer(Run(settings))
    if supervisor is None:
        return []
    return [_status_of(info) for info in cast("list[dict[str, Any]]", supervisor.getAllProcessInfo())]


def _status_of(info: Mapping[str, Any]) -> ServiceStatus:
    up = int(info["now"]) - int(info["start"]) if info["pid"] else 0
    return ServiceStatus(str(info["name"]), str(info["statename"]), int(info["pid"]), up)


def _install(run: Run, programs: Sequence[Program]) -> None:
    """Tells the supervisor about new and changed programs, and starts again those that had stopped."""
    _check_ports(run, programs)
    for program in programs:
        (run.folder / "programs" / f"{program.name}.conf").write_text(program_config(run, program), "utf-8")
    supervisor = cast(Any, answer(run))
    added, changed, _removed = supervisor.reloadConfig()[0]
    for name in changed:
        supervisor.stopProcessGroup(name)
        supervisor.removeProcessGroup(name)
    for name in (*added, *changed):
        supervisor.addProcessGroup(name)
    stopped = {found.name for found in status(run.settings) if found.state in ("STOPPED", "EXITED", "FATAL")}
    for program in programs:
        if program.name in stopped:
            with suppress(xmlrpc.client.Fault):  # a program that dies again is reported by _await, with its log
                supervisor.startProcess(program.name, False)


def _check_ports(run: Run, programs: Sequence[Program]) -> None:
    """ServiceError if a program that is yet to start would find its port taken."""
    up = {found.name for found in status(run.settings) if found.pid}
    for program in programs:
        for setting, port in program.ports.items():
            if program.name not in up and not is_free(port):
                raise ServiceError(
                    f"port {port}, which {program.name} needs, is taken by another program. Next: stop that "
                    f"(`ss -ltnp 'sport = :{port}'` shows it), or set {setting} in .env to a free port and start again"
                )


def _await(run: Run, program: Program) -> None:
    """Returns when the program is ready; ServiceError with the end of its log when it failed or took too long."""
    deadline = time.monotonic() + program.ready_seconds
    while time.monotonic() < deadline:
        found = {service.name: service.state for service in status(run.settings)}.get(
            program.name, "unknown to the supervisor"
        )
        if found == "RUNNING" and program.ready():
            return
        if found in ("FATAL", "EXITED"):
            raise ServiceError(f"{program.name} ended right after its start ({found}): {_end_of(run, program)}")
        time.sleep(0.2)
    raise ServiceError(
        f"{program.name} was not ready within {program.ready_seconds:.0f} seconds: {_end_of(run, program)}"
    )


def _end_of(run: Run, program: Program) -> str:
    log = run.log_of(program.name)
    lines = log.read_text("utf-8", errors="replace").splitlines()[-3:] if log.exists() else []
    return f"{' | '.join(lines) or 'it wrote nothing'}. Next: read {log}, mend the cause and start again"
