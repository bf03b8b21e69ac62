"""The stack in containers: how Docker Compose is called.

The secrets reach Compose through its environment, and the containers as files under /run/secrets, so that neither a
command line nor `docker inspect` shows one. What is inside the servers (databases, buckets, users) is provisioned from
here, by the same code as for the native ones. `compose_project` is the authority on which project is this lake's.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import buckets, compose_project, databases, tls, trino
from ecommerce_pipeline.operations.stack.secrets import generated, secret
from ecommerce_pipeline.settings import Settings

if TYPE_CHECKING:
    from ecommerce_pipeline.operations.stack import State

ROOM = 1024  # megabytes beside a small heap: code, threads, buffers


def is_up(settings: Settings) -> bool:
    """Whether the stack's containers were made; the mark is left by `start`."""
    return compose_project.mark(settings).exists()


def start(settings: Settings) -> None:
    """Starts the containers, waits until they are healthy, and provisions what is inside. Raises ServiceError."""
    settings = compose_project.keep(settings)
    _write_files(settings)
    compose_project.mark(settings).touch()
    if _run(settings, "up", "--detach", "--wait"):
        raise ServiceError(
            "the containers did not start. Next: `shopsphere stack status`, `shopsphere stack logs NAME`"
        )
    databases.provision(settings)
    buckets.provision(settings)


def stop(settings: Settings) -> None:
    """Stops and removes the containers; their volumes stay. Raises ServiceError if they may still run."""
    if _run(settings, "down"):
        raise ServiceError("the containers were not stopped. Next: start Docker, then `shopsphere down` again")
    compose_project.mark(settings).unlink()


def erase(settings: Settings) -> None:
    """Removes the containers with their volumes, and all that they hold. Raises ServiceError."""
    if _run(settings, "down", "--volumes"):
        raise ServiceError("the containers' volumes are not gone. Next: start Docker, then `shopsphere reset` again")
    compose_project.forget(settings)


def restart(settings: Settings, name: str) -> None:
    """One container made anew, with the secrets as they are now. Raises ServiceError."""
    _write_files(settings)
    if _run(settings, "up", "--detach", "--wait", "--force-recreate", "--no-deps", name):
        raise ServiceError(f"{name} did not start. Next: `shopsphere stack logs {name}`")


def states(settings: Settings) -> list[State]:
    """The containers, as Compose tells of them. Raises ServiceError if it does not."""
    from ecommerce_pipeline.operations.stack import State

    asked = command(settings, "ps", "--all", "--format", "json")
    try:
        told = subprocess.run(asked, env=environment(settings), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServiceError(f"Docker does not tell of the containers: {error}. Next: start Docker") from error
    rows = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    return [State(row["Service"], row.get("Health") or row["State"]) for row in rows]


def command(settings: Settings, *arguments: str) -> list[str]:
    """Compose on the project's file, for this lake. Raises ServiceError."""
    project = compose_project.name(settings)
    return ["docker", "compose", "--project-directory", str(settings.root), "--project-name", project, *arguments]


def environment(settings: Settings) -> dict[str, str]:
    """What docker-compose.yml names as ${…}; holds secrets."""
    heap = trino.heap(settings)
    own = {f"SHOPSPHERE_{name.upper()}": secret(settings, name) for name in generated()}
    own |= {
        "SHOPSPHERE_STACK_DIR": str(settings.stack_dir),
        "SHOPSPHERE_UID": str(os.getuid()),
        "SHOPSPHERE_GID": str(os.getgid()),
        "SHOPSPHERE_WAREHOUSE": settings.warehouse,
        "SHOPSPHERE_S3_REGION": settings.s3_region,
        "SHOPSPHERE_TRINO_HEAP": settings.trino_heap,
        "SHOPSPHERE_TRINO_LIMIT": f"{heap + max(heap // 2, ROOM)}m",
        "SHOPSPHERE_TRINO_WORKERS": str(settings.trino_workers),
        **{f"SHOPSPHERE_{name}": value for name, value in trino.memory(settings).items()},
    }
    for server in ("minio", "postgres", "mariadb", "valkey", "trino"):
        own[f"SHOPSPHERE_{server.upper()}_PORT"] = str(getattr(settings, f"{server}_port"))
    return {**os.environ, **own}


def _write_files(settings: Settings) -> None:
    """What Trino's containers read from the host, in folders that are mounted whole: a file that is replaced would stay
    the old one in a running container.
    """
    tls.server_pem(settings)
    trino.write_passwords(settings)


def _run(settings: Settings, *arguments: str) -> int:
    """Compose's exit code; its words go where ours go."""
    try:
        return subprocess.run(command(settings, *arguments), env=environment(settings), check=False).returncode
    except FileNotFoundError:
        return 127
