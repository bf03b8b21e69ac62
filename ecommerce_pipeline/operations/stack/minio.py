"""MinIO as a native process: how its binary is built and how it is run.

Upstream is archived and publishes no binaries any more, so the last release is built from source, once, by the Go
toolchain, which checks every module against the public checksum database. It listens on loopback only.
"""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from ecommerce_pipeline.operations.services import Program, ServiceError
from ecommerce_pipeline.operations.stack import buckets, cache
from ecommerce_pipeline.operations.stack.secrets import secret, with_secrets
from ecommerce_pipeline.settings import Settings

VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
MODULE = f"github.com/minio/minio@{VERSION}"
FLAGS = ["-trimpath", "-tags", "kqueue", "-ldflags", "-s -w"]


def program(settings: Settings) -> Program:
    """MinIO on the settings' port, its data below the stack's folder; provisioned when ready. Raises ServiceError."""
    data, folder = settings.stack_dir / "minio", settings.stack_dir / "run"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    listening = ["--address", f"127.0.0.1:{settings.minio_port}", "--certs-dir", str(folder / "no-certificates")]
    values = {
        "MINIO_ROOT_USER": buckets.ROOT,
        "MINIO_ROOT_PASSWORD": secret(settings, "minio_root_password"),
        "MINIO_KMS_SECRET_KEY": secret(settings, "minio_kms_key"),
    }
    # no console, no call home: it is looked after by this project
    env = {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_CALLHOME_ENABLE": "off"}
    return Program(
        name="minio",
        command=with_secrets(folder / "minio.env", values, [binary(), "server", "--quiet", *listening, str(data)]),
        env=env,
        ready=lambda: is_ready(settings.object_store),
        provision=lambda: buckets.provision(settings),
        ports={"SHOPSPHERE_MINIO_PORT": settings.minio_port},
    )


def is_ready(endpoint: str) -> bool:
    """Whether the store takes requests."""
    try:
        with urllib.request.urlopen(f"{endpoint}/minio/health/ready", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def binary() -> str:
    """Path of the server: one on PATH, else the pinned release, built at first use. Raises ServiceError."""
    return shutil.which("minio") or str(cache.entry(f"minio-{VERSION}", _build) / "bin" / "minio")


def _build(target: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise ServiceError(
            "MinIO is built from source once, and Go is missing. Next: install Go 1.24 or later, or put a `minio` on "
            "PATH, and start again"
        )
    env = {**os.environ, "GOBIN": str(target / "bin"), "CGO_ENABLED": "0"}
    cache.run("building MinIO, once", [go, "install", *FLAGS, MODULE], lambda: "about 8 minutes on two cores", env)
