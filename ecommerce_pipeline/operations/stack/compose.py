"""The stack in containers: when Docker Compose is used, and how it is called.

A client alone is no Docker: the daemon must answer. The secrets reach Compose through its environment, and the
containers as files under /run/secrets, so that neither a command line nor `docker inspect` shows one. What is inside
the servers (databases, buckets, users) is provisioned from here, by the same code as for the native ones.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import buckets, databases, trino
from ecommerce_pipeline.operations.stack.secrets import generated, secret
from ecommerce_pipeline.settings import Settings

if TYPE_CHECKING:
    from ecommerce_pipeline.operations.stack import State


def is_chosen(settings: Settings) -> bool:
    """Whether the stack is to run in containers; raises ServiceError if it must and cannot."""
    if settings.stack_runner == "native":
        return False
    answers = daemon_answers()
    if settings.stack_runner == "compose" and not answers:
        raise ServiceError(
            "SHOPSPHERE_STACK_RUNNER is compose, and no Docker daemon with Compose answers. Next: start Docker, or set "
            "it to native"
        )
    return answers


def daemon_answers() -> bool:
    """Whether there is a Docker daemon, and Compose to speak to it."""
    if shutil.which("docker") is None:
        return False
    asked = (["docker", "info", "--format", "{{.ServerVersion}}"], ["docker", "compose", "version"])
    return all(_succeeds(command) for command in asked)


def is_up(settings: Settings) -> bool:
    """Whether the stack's containers were made; the mark is left by `start`."""
    return (settings.stack_dir / "compose").exists()


def start(settings: Settings) -> None:
    """Starts the containers, waits until they are healthy, and provisions what is inside. Raises ServiceError."""
    trino.variables(settings)  # makes the certificate
    trino.write_passwords(settings)
    (settings.stack_dir / "compose").touch()
    run = subprocess.run(
        command(settings, "up", "--detach", "--wait", "--scale", f"trino-worker={settings.trino_workers}"),
        env=environment(settings),
        check=False,
    )
    if run.returncode:
        raise ServiceError(
            "the containers did not start. Next: `shopsphere stack status`, `shopsphere stack logs NAME`"
        )
    databases.provision(settings)
    buckets.provision(settings)


def stop(settings: Settings) -> None:
    """Stops and removes the containers; their volumes stay."""
    subprocess.run(command(settings, "down"), env=environment(settings), check=False)
    (settings.stack_dir / "compose").unlink(missing_ok=True)


def restart(settings: Settings, name: str) -> None:
    """One container made anew, with the secrets as they are now. Raises ServiceError."""
    again = command(settings, "up", "--detach", "--wait", "--force-recreate", "--no-deps", name)
    if subprocess.run(again, env=environment(settings), check=False).returncode:
        raise ServiceError(f"{name} did not start. Next: `shopsphere stack logs {name}`")


def states(settings: Settings) -> list[State]:
    """The containers, as Compose tells of them."""
    from ecommerce_pipeline.operations.stack import State

    asked = command(settings, "ps", "--all", "--format", "json")
    said = subprocess.run(asked, env=environment(settings), capture_output=True, text=True, check=False).stdout
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return [State(row["Service"], row.get("Health") or row["State"]) for row in rows]


def command(settings: Settings, *arguments: str) -> list[str]:
    """Compose on the project's file."""
    return ["docker", "compose", "--project-directory", str(settings.root), *arguments]


def environment(settings: Settings) -> dict[str, str]:
    """What docker-compose.yml names as ${…}; holds secrets."""
    heap = trino.variables(settings)
    own = {f"SHOPSPHERE_{name.upper()}": secret(settings, name) for name in generated()}
    own |= {
        "SHOPSPHERE_STACK_DIR": str(settings.stack_dir),
        "SHOPSPHERE_UID": str(os.getuid()),
        "SHOPSPHERE_GID": str(os.getgid()),
        "SHOPSPHERE_WAREHOUSE": settings.warehouse,
        "SHOPSPHERE_S3_REGION": settings.s3_region,
        "SHOPSPHERE_TRINO_HEAP": settings.trino_heap,
        "SHOPSPHERE_TRINO_QUERY_MEMORY": heap["TRINO_QUERY_MEMORY"],
        "SHOPSPHERE_TRINO_HEADROOM": heap["TRINO_HEADROOM"],
    }
    for server in ("minio", "postgres", "mariadb", "valkey", "trino"):
        own[f"SHOPSPHERE_{server.upper()}_PORT"] = str(getattr(settings, f"{server}_port"))
    return {**os.environ, **own}


def _succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=15).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
