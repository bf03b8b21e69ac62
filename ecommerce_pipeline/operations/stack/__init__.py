"""The stack: MinIO, PostgreSQL, MariaDB and Trino, started together, native or in containers, one configuration.

Each function here chooses the way and leaves the work to `native` or `compose`; each module beside them is the
authority on one server or one concern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecommerce_pipeline.operations import services
from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.settings import Settings

__all__ = ["State", "erase", "log_command", "restart", "start", "states", "stop", "volumes"]


@dataclass(frozen=True)
class State:
    """A service as its owner sees it; memory in bytes, 0 if not known."""

    name: str
    state: str
    seconds_up: int = 0
    memory: int = 0

    @property
    def is_well(self) -> bool:
        """It runs, or is about to."""
        return self.state in ("RUNNING", "STARTING", "running", "healthy")


def start(settings: Settings) -> Settings:
    """Makes missing secrets, starts what does not run, waits until all is ready; returns the settings with the
    secrets. Raises ServiceError.
    """
    from ecommerce_pipeline.operations.stack import compose, native, runner, secrets

    found = secrets.ensure(settings)
    way = runner.choose(found)
    (compose if way == "compose" else native).start(found)
    runner.keep(found, way)
    return found


def stop(settings: Settings) -> None:
    """Ends every service; data stays. Without effect if nothing runs. Raises ServiceError if one may still run."""
    from ecommerce_pipeline.operations.stack import compose

    services.stop(settings)
    if compose.is_up(settings):
        compose.stop(settings)


def volumes(settings: Settings) -> list[str]:
    """What of the lake stands in containers' volumes, by their names; raises ServiceError if Docker does not say."""
    from ecommerce_pipeline.operations.stack import compose_project

    return compose_project.volumes(settings) if compose_project.is_used(settings) else []


def erase(settings: Settings) -> None:
    """Ends every service, and deletes the containers' volumes if the lake has any. Raises ServiceError."""
    from ecommerce_pipeline.operations.stack import compose, compose_project

    services.stop(settings)
    if compose_project.is_used(settings):
        compose.erase(settings)


def states(settings: Settings) -> list[State]:
    """Every service that was started, the containers after the native ones."""
    from ecommerce_pipeline.operations.stack import compose
    from ecommerce_pipeline.operations.stack.memory import resident

    native = [
        State(found.name, found.state, found.seconds_up, resident(found.pid)) for found in services.status(settings)
    ]
    return [*native, *(compose.states(settings) if compose.is_up(settings) else [])]


def restart(settings: Settings, name: str) -> None:
    """Ends one service and starts it with the settings as they are now. Raises ServiceError."""
    from ecommerce_pipeline.operations.stack import compose, native, secrets

    found = secrets.ensure(settings)
    if compose.is_up(settings):
        compose.restart(found, name)
    else:
        native.restart(found, name)


def log_command(settings: Settings, name: str, lines: int, *, follow: bool) -> Sequence[str]:
    """The command that shows a service's log; raises ServiceError if it has none."""
    from ecommerce_pipeline.operations.stack import compose

    log = settings.log_dir / f"{name}.log"
    if log.exists():
        return ["tail", "-n", str(lines), *(["-F"] if follow else []), str(log)]
    if compose.is_up(settings):
        return compose.command(settings, "logs", "--tail", str(lines), *(["--follow"] if follow else []), name)
    known = ", ".join(sorted(path.stem for path in settings.log_dir.glob("*.log")))
    raise ServiceError(f"{name!r} has no log. Next: name one of {known or 'the services, after `make up`'}")
