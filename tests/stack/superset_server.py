"""A dashboard server on a stack of its own, for tests: a small company loaded through Trino, a user for each role.

TESTS_STACK_DASHBOARDS_HOME names the home of one that already runs, for writing tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.settings import Settings
from tests.conftest import DAY, SCALE
from tests.stack.lakes import Lake, lake

PASSWORD = "a-long-password-of-the-tests"


@contextmanager
def served(home: Path) -> Iterator[Lake]:
    """The lake with its dashboard server running."""
    if running := os.environ.get("TESTS_STACK_DASHBOARDS_HOME"):
        yield Lake("stack", Path(running))
        return
    with lake("stack", home) as one:
        one.run("demo", "--scale", str(SCALE), "--until", DAY.isoformat())
        one.run("dashboards", "up")
        yield one


def users_of(settings: Settings, admin: Client, names: Mapping[str, str]) -> Callable[[str], Client]:
    """Makes a user for each name, with the role given; the sessions by name, each signed in once."""
    known = {user["username"] for user in admin.listing("security/users")}
    roles = {role["name"]: role["id"] for role in admin.listing("security/roles")}
    for name, role in names.items():
        if name not in known:
            admin.post("/api/v1/security/users/", _user(name, roles[role]))
    return cache(lambda name: Client(settings.superset_url, name, PASSWORD))


def sql(client: Client, database: int, text: str) -> list[dict[str, Any]]:
    """What SQL Lab answers."""
    body = {"database_id": database, "sql": text, "runAsync": False, "queryLimit": 100}
    return list(client.post("/api/v1/sqllab/execute/", body)["data"])


def _user(name: str, role: int) -> dict[str, Any]:
    email = f"{name}@tests.example.com"
    named = {"username": name, "first_name": "Test", "last_name": name, "email": email}
    return {**named, "active": True, "password": PASSWORD, "roles": [role]}
