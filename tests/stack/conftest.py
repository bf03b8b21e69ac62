"""The stack's servers, started natively once for the session, on free ports and in a folder of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ecommerce_pipeline.ports import is_free
from ecommerce_pipeline.settings import Settings
from tests.conftest import DAY, Watch, watching

if TYPE_CHECKING:
    from tests.stack.lakes import Lake, Moment

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
    with open_folder() as home:
        yield from _running(home, more)


def _running(home: Path, more: Mapping[str, str]) -> Iterator[Settings]:
    from ecommerce_pipeline.operations import stack as servers
    from ecommerce_pipeline.settings import get_settings

    chosen = {"HOME": str(home), "ENV_FILE": str(home / ".env"), "PROFILE": "stack", "STACK_RUNNER": "native"}
    chosen |= {f"{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
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
    get_settings.cache_clear()


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that the databases' users may enter, deleted in the end; pytest shuts its own at every start."""
    home = Path(tempfile.mkdtemp(prefix="shopsphere-stack-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _reading(env_file: Path) -> dict[str, object]:
    return {**Settings.model_config, "env_file": env_file}


@pytest.fixture(scope="session")
def company_on_stack() -> Iterator[Lake]:
    """A lake of its own on the real servers, loaded by `demo`; shared by all the tests that need one with data."""
    from tests.stack.lakes import demo, lake

    with open_folder() as home, lake("stack", home) as one:
        demo(one)
        yield one


@pytest.fixture(scope="session")
def lakes(company_on_stack) -> Iterator[tuple[Lake, Lake]]:
    """The company on both profiles, loaded by `demo` with the same scale, seed and day: the embedded one first."""
    from tests.stack.lakes import demo, lake

    with open_folder() as home, lake("embedded", home) as embedded:
        demo(embedded)
        yield embedded, company_on_stack


@pytest.fixture(scope="session")
def founded(lakes) -> Moment:
    """Both after the demo."""
    from tests.stack.lakes import Moment

    embedded, stack = lakes
    return Moment(DAY, embedded.tables(), stack.tables())


@pytest.fixture(scope="session")
def watched_on_stack() -> Watch:
    """What a reader of Trino saw while the company's day was loaded."""
    return Watch()


@pytest.fixture(scope="session")
def a_day_later(lakes, founded, watched_on_stack) -> Moment:
    """Both after a day more, loaded by the daily job."""
    from tests.stack.lakes import Moment

    embedded, stack = lakes
    for one in lakes:
        one.run("simulate", "--days", "1")
    embedded.run("materialize", "daily_update")
    with watching(stack.settings, watched_on_stack):
        stack.run("materialize", "daily_update")
    return Moment(founded.day + timedelta(days=1), embedded.tables(), stack.tables())


@pytest.fixture(scope="session")
def dashboards(request) -> Lake:
    """The company's lake with its dashboard server running.

    TESTS_STACK_DASHBOARDS_HOME names the home of one that already runs, for writing tests.
    """
    from tests.stack.lakes import Lake

    if home := os.environ.get("TESTS_STACK_DASHBOARDS_HOME"):
        return Lake("stack", Path(home))
    one: Lake = request.getfixturevalue("company_on_stack")
    one.run("dashboards", "up")
    return one
