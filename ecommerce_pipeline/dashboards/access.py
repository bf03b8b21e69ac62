"""Who sees what, as `superset/roles.yaml` says it: the authority on roles, the datasets they read, and their rows.

A role of ours is whole by itself: it carries what Superset's Gamma role may do in the pages, and the datasets. Roles
that are not in the file are not looked at, and none is ever removed, because people hang on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ecommerce_pipeline.dashboards import bundle, files, sync
from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.files import Assets
from ecommerce_pipeline.settings import Settings

BASE, SQL_LAB = "Gamma", "sql_lab"
NUMBER = re.compile(r"\(id:(\d+)\)$")
DATASET = "datasource_access"
ONE_GROUP = "roles.yaml"  # Superset joins a dataset's rules of one group by or, and those of different groups by and


def read(settings: Settings, assets: Assets) -> Mapping[str, Any]:
    """The file; raises DashboardsError for a dashboard, dataset or role it names that is not there."""
    path = settings.root / "superset" / "roles.yaml"
    wanted: Mapping[str, Any] = files.load(path.read_text("utf-8"))
    roles, rows = wanted.get("roles") or {}, wanted.get("rows") or {}
    named = [("dashboard", name, assets.dashboards()) for role in roles.values() for name in role.get("dashboards", [])]
    named += [("dataset", name, assets.datasets()) for role in roles.values() for name in role.get("datasets", [])]
    named += [("dataset", name, assets.datasets()) for rule in rows.values() for name in rule["datasets"]]
    named += [("role", name, roles) for rule in rows.values() for name in rule["roles"]]
    for what, name, known in named:
        if name not in known:
            raise DashboardsError(f"{path} names the {what} {name!r}, which is not there. Next: mend the name")
    return wanted


def apply(client: Client, assets: Assets, wanted: Mapping[str, Any]) -> list[str]:
    """Makes the server's roles and row rules those of the file; says what it changed."""
    server = _Server(client, assets)
    changed = [f"role {name}" for name, role in wanted["roles"].items() if server.set_role(name, role)]
    rules = wanted.get("rows") or {}
    return changed + [f"rows {name}" for name, rule in rules.items() if server.set_rule(name, rule)]


class _Server:
    """The server's numbers for everything that the file names."""

    def __init__(self, client: Client, assets: Assets) -> None:
        self.client, self.assets = client, assets
        self.roles = {role["name"]: int(role["id"]) for role in client.listing("security/roles")}
        self.rules = {rule["name"]: int(rule["id"]) for rule in client.listing("rowlevelsecurity")}
        numbers = sync.ids(client, "datasets")
        self.datasets = {name: numbers[file.uuid] for name, file in assets.datasets().items() if file.uuid in numbers}
        permissions = list(client.listing("security/permissions-resources"))
        self.reading = dict(self._reading(permissions))
        self.database = {
            found["id"]
            for found in permissions
            if found["permission"]["name"] == "database_access"
            and found["view_menu"]["name"].startswith(f"[{bundle.DATABASE}].")
        }

    def set_role(self, name: str, role: Mapping[str, Any]) -> bool:
        """The role as the file says; whether it was otherwise."""
        if name not in self.roles:
            self.roles[name] = int(self.client.post("/api/v1/security/roles/", {"name": name})["id"])
        wanted = self._permissions(BASE) | {self.reading[self.datasets[data]] for data in self._datasets(role)}
        if role.get("sql_lab"):
            wanted |= self._permissions(SQL_LAB) | self.database
        if self._permissions(name) == wanted:
            return False
        body = {"permission_view_menu_ids": sorted(wanted)}
        self.client.post(f"/api/v1/security/roles/{self.roles[name]}/permissions", body)
        return True

    def set_rule(self, name: str, rule: Mapping[str, Any]) -> bool:
        """The row rule as the file says; whether it was otherwise."""
        body = {
            "name": name,
            "filter_type": "Regular",
            "group_key": ONE_GROUP,
            "clause": rule["clause"],
            "tables": sorted(self.datasets[data] for data in rule["datasets"]),
            "roles": sorted(self.roles[role] for role in rule["roles"]),
        }
        if name not in self.rules:
            self.client.post("/api/v1/rowlevelsecurity/", body)
            return True
        found = self.client.get(f"/api/v1/rowlevelsecurity/{self.rules[name]}")["result"]
        there = {key: sorted(part["id"] for part in found[key]) for key in ("tables", "roles")}
        if {**body, **there, "clause": found["clause"], "group_key": found.get("group_key")} == body:
            return False
        self.client.put(f"/api/v1/rowlevelsecurity/{self.rules[name]}", body)
        return True

    def _datasets(self, role: Mapping[str, Any]) -> set[str]:
        charts = [chart for board in role.get("dashboards", []) for chart in self.assets.charts_of(board)]
        filters = {name for board in role.get("dashboards", []) for name in self._filtered(board)}
        return {*role.get("datasets", []), *(str(chart.body["dataset"]) for chart in charts), *filters}

    def _filtered(self, board: str) -> Iterator[str]:
        metadata = self.assets.dashboards()[board].body["metadata"]
        for native in metadata.get("native_filter_configuration") or []:
            yield from (target["dataset"] for target in native["targets"] if target)

    def _permissions(self, role: str) -> set[int]:
        found = self.client.get(f"/api/v1/security/roles/{self.roles[role]}/permissions/")["result"]
        return {int(permission["id"]) for permission in found}

    @staticmethod
    def _reading(permissions: list[dict[str, Any]]) -> Iterator[tuple[int, int]]:
        """The server's number of a dataset, and of the permission to read it."""
        for found in permissions:
            number = NUMBER.search(found["view_menu"]["name"])
            if found["permission"]["name"] == DATASET and number:
                yield int(number[1]), int(found["id"])
