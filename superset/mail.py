"""Reports and alerts by e-mail: what Superset's configuration adds when a mail server is named.

A celery worker with the clock in it looks every minute for what is due, has Chromium draw the page, and sends it. The
browser is the machine's own: Playwright would download one, and Superset names none.
"""

import os
from collections.abc import Mapping
from functools import partialmethod
from pathlib import Path
from typing import Any

from celery.schedules import crontab
from celery.signals import worker_ready
from playwright.sync_api import BrowserType

WINDOW = {"dashboard": (1600, 1200), "slice": (1600, 900), "pixel_density": 1}
QUIET = ["--headless", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run", "--hide-scrollbars"]  # fmt: skip


def settings(facts: Mapping[str, Any], tasks: str) -> dict[str, Any]:
    """Superset's settings for the mail server of the facts, with the tasks in that database of Valkey."""

    class Celery:
        broker_url = tasks
        result_backend = None
        task_ignore_result = True
        imports = ("superset.tasks.scheduler",)
        broker_connection_retry_on_startup = True
        worker_prefetch_multiplier = 1
        beat_schedule = {  # noqa: RUF012 (celery's own form)
            "due": {"task": "reports.scheduler", "schedule": crontab(), "options": {"expires": 7 * 86400}},
            "old": {"task": "reports.prune_log", "schedule": crontab(minute=0, hour=0)},
        }
        beat_schedule_filename = facts["clock"]

    _use_browser(facts["browser"])
    worker_ready.connect(lambda **_: Path(facts["ready"]).write_text(str(os.getpid()), "utf-8"), weak=False)
    return {
        "CELERY_CONFIG": Celery,
        "SMTP_HOST": facts["host"],
        "SMTP_PORT": facts["port"],
        "SMTP_STARTTLS": facts["encryption"] == "starttls",
        "SMTP_SSL": facts["encryption"] == "tls",
        "SMTP_SSL_SERVER_AUTH": True,
        "SMTP_USER": facts["user"],
        "SMTP_PASSWORD": facts["password"],
        "SMTP_MAIL_FROM": facts["sender"],
        "EMAIL_REPORTS_SUBJECT_PREFIX": "",
        "EMAIL_REPORTS_CTA": "Open the dashboard",
        "WEBDRIVER_BASEURL": facts["url"],
        "WEBDRIVER_BASEURL_USER_FRIENDLY": facts["url"],
        "WEBDRIVER_WINDOW": WINDOW,
        # root has no sandbox to give to a browser
        "WEBDRIVER_OPTION_ARGS": [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])],
        "SCREENSHOT_TILED_ENABLED": False,
        "ALERT_REPORTS_QUERY_EXECUTION_MAX_TRIES": 3,
    }


def _use_browser(path: str) -> None:
    if not isinstance(BrowserType.launch, partialmethod):
        BrowserType.launch = partialmethod(BrowserType.launch, executable_path=path)
