"""Which of Docker's projects is this lake's, and what stands in it: volumes, which no folder shows.

Each lake has a project of its own, whose name is kept in `.env`, so that two clones on one machine do not take each
other's containers. A lake from before names were kept is in the one that all clones shared.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from ecommerce_pipeline import env_file
from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.settings import Settings, get_settings

SHARED = "shopsphere"  # every clone's, once
SETTING = "SHOPSPHERE_COMPOSE_PROJECT"


def daemon_answers() -> bool:
    """Whether there is a Docker daemon, and Compose to speak to it: a client alone is no Docker."""
    if shutil.which("docker") is None:
        return False
    asked = (["docker", "info", "--format", "{{.ServerVersion}}"], ["docker", "compose", "version"])
    return all(_succeeds(command) for command in asked)


def mark(settings: Settings) -> Path:
    """The file that is there from the containers' start until they are taken away."""
    return settings.stack_dir / "compose"


def is_used(settings: Settings) -> bool:
    """Whether this lake was ever started in containers, by what is here; Docker is not asked."""
    made = settings.stack_dir / "trino"  # a native node has a folder of its own beside the passwords
    traces = (made / "password.db").exists() and not (made / "trino").exists()
    return bool(settings.compose_project) or mark(settings).exists() or traces


def name(settings: Settings) -> str:
    """The project of this lake, kept or to be."""
    if settings.compose_project:
        return settings.compose_project
    own = f"{SHARED}-{hashlib.sha256(str(settings.home.resolve()).encode()).hexdigest()[:8]}"
    return SHARED if is_used(settings) and not _volumes_of(own) else own


def keep(settings: Settings) -> Settings:
    """The settings with the project's name, which stands in `.env` from now on."""
    if settings.compose_project:
        return settings
    chosen = name(settings)
    env_file.keep(settings.env_file, {SETTING: chosen})
    get_settings.cache_clear()
    return settings.model_copy(update={"compose_project": chosen})


def forget(settings: Settings) -> None:
    """After its volumes are gone."""
    mark(settings).unlink(missing_ok=True)
    env_file.drop(settings.env_file, [SETTING])
    get_settings.cache_clear()


def volumes(settings: Settings) -> list[str]:
    """The volumes that hold this lake, none if it never was in containers; raises ServiceError if Docker, which alone
    knows, does not answer.
    """
    if not is_used(settings):
        # a lake whose folder and .env were both lost
        return _volumes_of(name(settings)) if settings.stack_runner != "native" and daemon_answers() else []
    if not daemon_answers():
        raise ServiceError(
            f"this lake was started in containers, and no Docker daemon with Compose answers that could say what is "
            f"left of it. Next: start Docker, then the same again; if it is gone for good, delete {settings.stack_dir} "
            f"and the line {SETTING} in {settings.env_file}"
        )
    return _volumes_of(name(settings))


def _volumes_of(project: str) -> list[str]:
    command = ["docker", "volume", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={project}"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServiceError(
            f"Docker does not say which volumes the project {project} has: {error}. Next: start Docker, then the same "
            "again"
        ) from error
    return sorted(asked.stdout.split())


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=15).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
