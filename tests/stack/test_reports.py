"""Reports and alerts by e-mail: a mail server of the tests receives what Superset sends by itself when it is due."""

from __future__ import annotations

import email
import subprocess
import time
from email import policy

import pytest
from aiosmtpd.controller import Controller

from ecommerce_pipeline import env_file
from ecommerce_pipeline.dashboards import contract, files, keeping, reports
from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.transformation import project
from tests.stack.conftest import free_ports

pytestmark = [pytest.mark.stack, pytest.mark.soak, pytest.mark.timeout(3600)]
REPORT, ALERT = "executive_sales_monday", "revenue_out_of_the_ordinary"
EVERY_MINUTE = {"crontab": "* * * * *"}
AGAIN_AT_ONCE = {"grace_period": 1}  # an alert that was sent rests for an hour


class Inbox:
    """What has come, in order."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 (aiosmtpd's name)
        self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def wait_for(self, recipient, seconds=300.0):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for mail in self.mails:
                if mail["to"] == recipient:
                    return mail
            time.sleep(1)
        raise AssertionError(f"no mail for {recipient} within {seconds:.0f} seconds")


@pytest.fixture(scope="module")
def inbox(dashboards):
    """A mail server, and a dashboard server that was started with its address."""
    (port,) = free_ports(1)
    kept = Inbox()
    listening = Controller(kept, hostname="127.0.0.1", port=port)
    listening.start()
    mail = {"HOST": "127.0.0.1", "PORT": str(port), "ENCRYPTION": "none", "FROM": "dashboards@shopsphere.example"}
    env_file.keep(dashboards.home / ".env", {f"SHOPSPHERE_SMTP_{name}": value for name, value in mail.items()})
    dashboards.run("dashboards", "up")
    yield kept
    env_file.keep(dashboards.home / ".env", {"SHOPSPHERE_SMTP_HOST": ""})
    dashboards.run("dashboards", "up")
    listening.stop()


@pytest.fixture(scope="module")
def client(inbox, dashboards):
    return Client.of(dashboards.settings)


@pytest.fixture(scope="module")
def found(dashboards):
    return contract.read(project.manifest(dashboards.settings))


@pytest.fixture
def schedules(client, dashboards, found):
    """The server's numbers of git's schedules, which are git's again afterwards."""
    yield {one["name"]: one["id"] for one in client.listing("report")}
    keeping.sync(dashboards.settings, found)


def test_git_s_schedules_are_on_the_server_and_a_second_sync_changes_none(client, dashboards, found):
    settings = dashboards.settings
    assets = files.read(files.folder(settings))
    wanted = reports.read(settings, assets, found)
    assert {one["name"] for one in client.listing("report")} == set(wanted) == {REPORT, ALERT}
    assert reports.apply(client, assets, wanted) == reports.prune(client, wanted) == []


def test_the_executive_dashboard_comes_by_mail_as_pdf_when_it_is_due(client, schedules, inbox):
    client.put(f"/api/v1/report/{schedules[REPORT]}", EVERY_MINUTE)
    mail = inbox.wait_for("executives@shopsphere.example")
    assert mail["subject"].startswith("Executive sales")
    assert mail["from"] == "dashboards@shopsphere.example"
    (document,) = [part for part in mail.walk() if (part.get_filename() or "").endswith(".pdf")]
    content = document.get_payload(decode=True)
    assert content.startswith(b"%PDF")
    assert len(content) > 50_000  # a page without its charts is a few thousand bytes


def test_an_alert_is_sent_with_its_picture_when_the_threshold_is_passed(client, schedules, inbox):
    passed = {"validator_type": "operator", "validator_config_json": {"op": ">=", "threshold": 0}}
    client.put(f"/api/v1/report/{schedules[ALERT]}", {**EVERY_MINUTE, **AGAIN_AT_ONCE, **passed})
    mail = inbox.wait_for("data@shopsphere.example")
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture.get_payload(decode=True).startswith(b"\x89PNG")


def test_an_alert_whose_threshold_is_not_passed_sends_nothing(client, schedules, inbox):
    inbox.mails.clear()
    never = {"validator_type": "operator", "validator_config_json": {"op": "<", "threshold": 0}}
    client.put(f"/api/v1/report/{schedules[ALERT]}", {**EVERY_MINUTE, **AGAIN_AT_ONCE, **never})
    until = time.monotonic() + 200
    while client.get(f"/api/v1/report/{schedules[ALERT]}")["result"]["last_state"] != "Not triggered":
        assert time.monotonic() < until
        time.sleep(1)
    assert [mail["to"] for mail in inbox.mails] == []


def test_what_a_person_changed_is_git_s_again_after_a_sync(client, schedules, dashboards, found):
    client.put(f"/api/v1/report/{schedules[REPORT]}", {"crontab": "0 3 * * *"})
    told = []
    keeping.sync(dashboards.settings, found, tell=told.append)
    assert told == [f"update schedule {REPORT!r}"]


def test_no_password_is_in_the_worker_s_command(client):
    commands = subprocess.run(["ps", "axww", "-o", "command"], capture_output=True, text=True, check=True).stdout
    (worker, *_) = [line for line in commands.splitlines() if "celery" in line and "worker" in line]
    assert "redis://" not in worker
