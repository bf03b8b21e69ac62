"""What Superset's processes are told: one file of mode 0600, whose path is all that their environment tells.

Addresses of the servers behind them, with their passwords; `superset/superset_config.py` reads it. Written anew at
every start, so that a changed password is in force after the next.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ecommerce_pipeline import key_value_store
from ecommerce_pipeline.dashboards import connection, metadata_store
from ecommerce_pipeline.dashboards.places import Places, secret
from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.settings import Settings

POINTER = "SHOPSPHERE_SUPERSET_SERVER"  # the variable that names the file
ADMINISTRATOR = "admin"


def folder(settings: Settings) -> Path:
    """Superset's configuration, roles and assets in git."""
    return settings.root / "superset"


def write(settings: Settings) -> None:
    """The file, with the metadata's PostgreSQL running."""
    places = Places.of(settings)
    on_stack = settings.profile == "stack"
    facts = {
        "secret_key": secret(places, "secret_key"),
        "metadata_uri": metadata_store.uri(settings),
        "cache": str(places.cache),
        "lake": str(places.lake),
        "trino": _trino(settings) if on_stack else None,
        "valkey": _valkey(settings) if on_stack and key_value_store.answers(settings) else None,
    }
    write_private(places.server, json.dumps(facts, indent=1))


def environment(settings: Settings) -> list[str]:
    """The variables of Superset's processes, `NAME=value`; no secret is among them."""
    here = folder(settings)
    return [
        f"{POINTER}={Places.of(settings).server}",
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


def _valkey(settings: Settings) -> dict[str, str]:
    return {"answers": key_value_store.address(settings, 0), "tasks": key_value_store.address(settings, 1)}
