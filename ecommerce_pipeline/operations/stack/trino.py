"""Trino as native processes: a coordinator and any number of workers, on the files under `trino/`.

Those files serve the containers too and hold no secret: what differs, and what must stay private, reaches them through
the environment, by names. The coordinator takes clients on one port, with TLS and a password; the nodes speak to each
other on others, on loopback only.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from sqlalchemy.engine import make_url

from ecommerce_pipeline import env_file
from ecommerce_pipeline.lakehouse import trino_session
from ecommerce_pipeline.lakehouse.errors import LakehouseError
from ecommerce_pipeline.operations.services import Program
from ecommerce_pipeline.operations.stack import java, tls, trino_distribution
from ecommerce_pipeline.operations.stack.secrets import secret, with_secrets
from ecommerce_pipeline.settings import Settings

USERS = {
    "pipeline": "trino_password",
    "analyst": "trino_analyst_password",
    "admin": "trino_admin_password",
    "superset": "trino_superset_password",
}
ITERATIONS = 10_000
COORDINATOR, WORKER = "trino", "trino-worker-"


def programs(settings: Settings) -> list[Program]:
    """The coordinator and the settings' number of workers. Raises ServiceError."""
    binary, distribution = java.java(), trino_distribution.home()
    nodes = [COORDINATOR, *(f"{WORKER}{number}" for number in range(1, settings.trino_workers + 1))]
    return [_node(settings, binary, distribution, name, number) for number, name in enumerate(nodes)]


def variables(settings: Settings, number: int = 0) -> dict[str, str]:
    """What the files under `trino/` name as ${ENV:…}, for the coordinator (0) or a worker; holds secrets."""
    catalog = make_url(settings.catalog_uri)
    return {
        "TRINO_HTTP_PORT": str(settings.trino_internal_port + number),
        "TRINO_DISCOVERY_URI": f"http://127.0.0.1:{settings.trino_internal_port}",
        "TRINO_HTTPS_PORT": str(settings.trino_port),
        "TRINO_TLS_FILE": str(tls.server_pem(settings)),
        "TRINO_PASSWORD_FILE": str(settings.stack_dir / "trino" / "password.db"),
        "TRINO_INTERNAL_SECRET": secret(settings, "trino_internal_secret"),
        **memory(settings),
        "LAKE_JDBC_URL": f"jdbc:postgresql://{catalog.host}:{catalog.port or 5432}/{catalog.database}",
        "LAKE_JDBC_USER": catalog.username or "",
        "LAKE_JDBC_PASSWORD": str(catalog.password or ""),
        "LAKE_WAREHOUSE": settings.warehouse,
        "LAKE_S3_ENDPOINT": settings.object_store,
        "LAKE_S3_REGION": settings.s3_region,
        "LAKE_S3_PATH_STYLE": str(settings.s3_path_style).lower(),
        # another store has the one user that the settings name
        "LAKE_S3_ACCESS_KEY": settings.s3_access_key if settings.s3_endpoint else "trino",
        "LAKE_S3_SECRET_KEY": secret(settings, "s3_secret_key" if settings.s3_endpoint else "s3_trino_secret_key"),
    }


def heap(settings: Settings) -> int:
    """Heap of each node, in megabytes."""
    return int(settings.trino_heap[:-1]) * (1024 if settings.trino_heap[-1] == "G" else 1)


def memory(settings: Settings) -> dict[str, str]:
    """How the heap is divided: half for queries, a quarter in reserve."""
    return {"TRINO_QUERY_MEMORY": f"{heap(settings) // 2}MB", "TRINO_HEADROOM": f"{heap(settings) // 4}MB"}


def as_user(settings: Settings, user: str) -> Settings:
    """The same settings, asking Trino as another of its USERS."""
    return settings.model_copy(update={"trino_user": user, "trino_password": getattr(settings, USERS[user])})


def write_passwords(settings: Settings) -> None:
    """The users' passwords, hashed; Trino reads the file again within seconds."""
    lines = [f"{user}:{_hashed(secret(settings, name))}\n" for user, name in USERS.items()]
    env_file.write_private(settings.stack_dir / "trino" / "password.db", "".join(lines))


def is_ready(settings: Settings) -> bool:
    """Whether the coordinator has started and takes queries."""
    address = f"https://{settings.trino_host}:{settings.trino_port}/v1/info"
    try:
        trusted = ssl.create_default_context(cafile=settings.trino_certificate)
        with urllib.request.urlopen(address, timeout=2, context=trusted) as answer:
            return not json.load(answer)["starting"]
    except (urllib.error.URLError, OSError, ValueError, KeyError):
        return False


def _node(settings: Settings, binary: str, distribution: Path, name: str, number: int) -> Program:
    folder = settings.stack_dir / "trino" / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _link(folder / "etc", settings.root / "trino")
    port = settings.trino_internal_port + number
    ports = {"SHOPSPHERE_TRINO_INTERNAL_PORT": port}
    if name == COORDINATOR:
        write_passwords(settings)
        ports["SHOPSPHERE_TRINO_PORT"] = settings.trino_port
    command = ["/bin/sh", str(settings.root / "deploy" / "trino" / "run.sh"), "worker" if number else "config"]
    loopback = ["-Dnode.bind-ip=127.0.0.1", "-Dnode.internal-address=127.0.0.1"]
    secret_file = settings.stack_dir / "run" / f"{name}.env"
    return Program(
        name=name,
        command=with_secrets(secret_file, variables(settings, number), [*command, *loopback]),
        env={
            "JAVA": binary,
            "TRINO_HOME": str(distribution),
            "TRINO_HEAP": settings.trino_heap,
            "TRINO_NODE": name,
            "TRINO_DATA": "data",
        },
        ready=(lambda: _worker_is_ready(settings, name)) if number else (lambda: is_ready(settings)),
        ports=ports,
        directory=folder,
        ready_seconds=180.0,  # ten seconds on a quiet machine
    )


def _worker_is_ready(settings: Settings, name: str) -> bool:
    """Whether the coordinator gives it work; it looks for new nodes every few seconds."""
    try:
        with trino_session.connect(as_user(settings, "admin")) as connection:
            nodes = connection.execute("select node_id from system.runtime.nodes where state = 'active'").fetchall()
    except LakehouseError:
        return False
    return [name] in nodes


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.resolve() == target.resolve():
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _hashed(password: str) -> str:
    """PBKDF2 as Trino reads it: iterations, salt and hash."""
    salt = secrets.token_bytes(16)
    made = hashlib.pbkdf2_hmac("sha1", password.encode(), salt, ITERATIONS)
    return f"{ITERATIONS}:{salt.hex()}:{made.hex()}"
