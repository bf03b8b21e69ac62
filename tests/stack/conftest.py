"""The stack's servers, started natively once for the session, on free ports and in a folder of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecommerce_pipeline.ports import is_free
from ecommerce_pipeline.settings import Settings

if TYPE_CHECKING:
    from tests.stack.lakes import Lake

PORTS = ("MINIO", "POSTGRES", "MARIADB", "VALKEY", "TRINO", "TRINO_INTERNAL")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below those that the system gives to clients."""
    found = []
    for port in range(20000 + os.getpid() % 5000, 32000, 7):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


@pytest.fixture(scope="session")
def stack() -> Iterator[Settings]:
    """The settings of a running stack; its processes end and its data goes with the session."""
    with running() as settings:
        yield settings


@contextmanager
def running(**more: str) -> Iterator[Settings]:
    """A stack of its own with these settings on top, by their names without SHOPSPHERE_."""
    from ecommerce_pipeline.operations import stack as servers
    from ecommerce_pipeline.settings import get_settings

    home = Path(tempfile.mkdtemp(prefix="shopsphere-stack-"))
    chosen = {"HOME": str(home), "ENV_FILE": str(home / ".env"), "PROFILE": "stack", "STACK_RUNNER": "native"}
    chosen |= {f"{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    home.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (chosen | more).items():
            patch.setenv(f"SHOPSPHERE_{name}", value)
        patch.setattr("ecommerce_pipeline.settings.Settings.model_config", _reading(home / ".env"))
        patch.setattr("ecommerce_pipeline.settings.ENV_FILE", home / ".env")
        get_settings.cache_clear()
        try:
            yield servers.start(get_settings())
        finally:
            servers.stop(get_settings())
            get_settings.cache_clear()
            shutil.rmtree(home, ignore_errors=True)
    get_settings.cache_clear()


def _reading(env_file: Path) -> dict[str, object]:
    return {**Settings.model_config, "env_file": env_file}


@pytest.fixture(scope="session")
def dashboards(tmp_path_factory) -> Iterator[Lake]:
    """A lake of its own with its dashboard server running."""
    from tests.stack.superset_server import served

    with served(tmp_path_factory.mktemp("dashboards")) as one:
        yield one
