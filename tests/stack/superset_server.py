"""Users of the stack's dashboard server, one for each role, and what SQL Lab answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.settings import Settings

PASSWORD = "a-long-password-of-the-tests"


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
