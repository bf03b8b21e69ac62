"""What Superset's processes are told: one file of mode 0600, whose path is all that their environment tells.

Addresses of the servers behind them, with their passwords; `superset/superset_config.py` reads it. Written anew at
every start, so that a changed password is in force after the next.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from ecommerce_pipeline import key_value_store
from ecommerce_pipeline.dashboards import connection, metadata_store
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.places import Places, secret
from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.settings import Settings

POINTER = "SHOPSPHERE_SUPERSET_SERVER"  # the variable that names the file
ADMINISTRATOR = "admin"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def folder(settings: Settings) -> Path:
    """Superset's configuration, roles and assets in git."""
    return settings.root / "superset"


def mail_is_sent(settings: Settings) -> bool:
    """Whether mail can go out: a mail server is named, and the stack runs, whose Valkey holds the queue."""
    return settings.profile == "stack" and bool(settings.smtp_host)


def write(settings: Settings, url: str) -> None:
    """The file, with the metadata's PostgreSQL running, for a server that will answer at that address.

    Raises DashboardsError when mail is to be sent and cannot be.
    """
    places = Places.of(settings)
    on_stack = settings.profile == "stack"
    valkey = _valkey(settings) if on_stack and key_value_store.answers(settings) else None
    facts = {
        "secret_key": secret(places, "secret_key"),
        "metadata_uri": metadata_store.uri(settings),
        "cache": str(places.cache),
        "lake": str(places.lake),
        "trino": _trino(settings) if on_stack else None,
        "valkey": valkey,
        "mail": _mail(settings, places, url, has_queue=valkey is not None) if mail_is_sent(settings) else None,
    }
    write_private(places.server, json.dumps(facts, indent=1))


def environment(settings: Settings) -> list[str]:
    """The variables of Superset's processes, `NAME=value`; no secret is among them.

    One is a checksum of what they read when they start, so that the supervisor starts them again when that has changed.
    """
    here, told = folder(settings), Places.of(settings).server
    read = [path.read_bytes() for path in (told, *sorted(here.glob("*.py"))) if path.exists()]
    return [
        f"SHOPSPHERE_SUPERSET_TOLD={hashlib.sha256(b''.join(read)).hexdigest()[:16]}",
        f"{POINTER}={told}",
        f"SUPERSET_CONFIG_PATH={here / 'superset_config.py'}",
        f"PYTHONPATH={here}",
        "PYTHONUNBUFFERED=1",
        "SCARF_ANALYTICS=false",
    ]


def _trino(settings: Settings) -> dict[str, Any]:
    return {
        "host": settings.trino_host,
        "port": settings.trino_port,
        "certificate": settings.trino_certificate,
        "user": connection.TRINO_USER,
        "password": settings.trino_superset_password.get_secret_value(),
        "administrator": ADMINISTRATOR,
    }


def _mail(settings: Settings, places: Places, url: str, *, has_queue: bool) -> dict[str, Any]:
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None or not has_queue:
        missing = "Valkey, which holds the queue, does not answer" if browser else "Chromium, which draws, is missing"
        raise DashboardsError(
            f"SHOPSPHERE_SMTP_HOST is set, and no report can be sent: {missing}. Next: install the package "
            f"{'redis-server' if browser else 'chromium'} and start again, or take the setting out"
        )
    return {
        "host": settings.smtp_host,
        "port": settings.smtp_port,
        "encryption": settings.smtp_encryption,
        "user": settings.smtp_user,
        "password": settings.smtp_password.get_secret_value(),
        "sender": settings.smtp_from,
        "url": url,
        "browser": browser,
        "clock": str(places.clock),
        "ready": str(places.mailing),
    }


def _valkey(settings: Settings) -> dict[str, str]:
    return {"answers": key_value_store.address(settings, 0), "tasks": key_value_store.address(settings, 1)}
