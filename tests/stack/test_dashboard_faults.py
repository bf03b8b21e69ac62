"""A dashboard server that is killed while git is brought to it."""

from __future__ import annotations

import os
import signal
import threading
import time

import psutil
import pytest

from ecommerce_pipeline.dashboards import answers, contract, files, keeping, reports, server, sync
from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.facts import mail_is_sent
from ecommerce_pipeline.operations import services
from ecommerce_pipeline.transformation import project

pytestmark = [pytest.mark.stack, pytest.mark.soak, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def settings(dashboards):
    return dashboards.settings


@pytest.fixture(scope="module")
def found(settings):
    return contract.read(project.manifest(settings))


def there(client):
    """How many objects of each kind the server has of git's."""
    kinds = [key.kind for key in sync.managed(client.exported())]
    return {kind: kinds.count(kind) for kind in sync.RESOURCES}


def take_away(settings, client):
    """Everything that is drawn."""
    if mail_is_sent(settings):
        reports.prune(client, {})
    for kind in ("dashboards", "charts"):
        numbers = [number for uuid, number in sync.ids(client, kind).items() if files.is_managed(uuid)]
        client.delete(f"/api/v1/{sync.RESOURCES[kind]}/?q=!({','.join(map(str, numbers))})")


def kill(settings):
    """The server and its workers, at once."""
    (pid,) = [one.pid for one in services.status(settings) if one.name == server.NAME]
    for process in [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]:
        os.kill(process.pid, signal.SIGKILL)


def again(settings, seconds=180.0):
    """A session at the server that the supervisor has started again."""
    until = time.monotonic() + seconds
    while not server.is_running(settings) and time.monotonic() < until:
        time.sleep(1)
    return Client.of(settings)


@pytest.mark.parametrize("seconds", [1.0, 2.5])
def test_a_sync_whose_server_is_killed_leaves_all_or_nothing_and_the_next_one_goes_on(seconds, settings, found):
    assets = files.read(files.folder(settings))
    whole = {kind: len(assets.of(kind)) for kind in files.KINDS}
    client = Client.of(settings)
    take_away(settings, client)
    assert there(client) | {"dashboards": 0, "charts": 0} == there(client)
    said = []

    def bring() -> None:
        try:
            keeping.sync(settings, found, tell=started.set_with)
        except DashboardsError as error:
            said.append(str(error))

    started = _Started()
    bringing = threading.Thread(target=bring)
    bringing.start()
    assert started.wait(120)
    time.sleep(seconds)
    kill(settings)
    bringing.join(180)
    client = again(settings)
    left = there(client)
    assert (left["dashboards"], left["charts"]) in ((0, 0), (whole["dashboards"], whole["charts"]))
    assert all("Next: `make dashboards`" in words for words in said)
    keeping.sync(settings, found)
    assert {kind: there(client)[kind] for kind in whole} == whole
    assert keeping.sync(settings, found) == []
    assert all(one.rows and not one.error for one in answers.of_dashboard(client, assets, "finance"))


class _Started(threading.Event):
    """Set by the first step that is told."""

    def set_with(self, _line: str) -> None:
        self.set()
