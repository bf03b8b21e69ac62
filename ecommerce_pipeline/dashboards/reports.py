"""What is sent by e-mail, as `superset/reports.yaml` says it: the authority on scheduled reports and alerts.

Superset's export knows no schedules, so they are compared one by one. A mark in the description tells those of git from
those that people made; the latter are not looked at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import sqlglot
from sqlglot import expressions as exp

from ecommerce_pipeline.dashboards import files, sync
from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.dashboards.contract import Contract
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.files import Assets
from ecommerce_pipeline.settings import Settings

MARK = "Kept in git, superset/reports.yaml."
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")
FORMATS = ("PDF", "PNG")
MINUTES, HOUR = 10, 3600
Schedules = Mapping[str, Mapping[str, Any]]


def read(settings: Settings, assets: Assets, contract: Contract) -> Schedules:
    """The schedules by name, alerts with `sql` and `when`; raises DashboardsError naming what does not fit."""
    path = settings.root / "superset" / "reports.yaml"
    wanted = files.load(path.read_text("utf-8"))
    found: dict[str, Mapping[str, Any]] = {**(wanted.get("reports") or {}), **(wanted.get("alerts") or {})}
    for name, one in found.items():
        for problem in _problems(one, assets, contract, is_alert=name in (wanted.get("alerts") or {})):
            raise DashboardsError(f"{path}, {name}: {problem}. Next: mend it there")
    return found


def prune(client: Client, wanted: Schedules) -> list[str]:
    """Removes the schedules that git no longer has, which must go before their dashboards; says which."""
    gone = {name: number for name, number in _ours(client).items() if name not in wanted}
    for number in gone.values():
        client.delete(f"/api/v1/report/{number}")
    return [f"remove schedule {name!r}" for name in gone]


def apply(client: Client, assets: Assets, wanted: Schedules) -> list[str]:
    """Makes the server's schedules those of the file, their dashboards being there; says what it changed."""
    ours = _ours(client)
    numbers = {kind: sync.ids(client, kind) for kind in ("dashboards", "databases")}
    changed = []
    for name, one in wanted.items():
        body = _body(name, one, assets, numbers)
        if name not in ours:
            client.post("/api/v1/report/", body)
            changed.append(f"create schedule {name!r}")
        elif _told(client.get(f"/api/v1/report/{ours[name]}")["result"]) != _told(body):
            client.put(f"/api/v1/report/{ours[name]}", body)
            changed.append(f"update schedule {name!r}")
    return changed


def _ours(client: Client) -> dict[str, int]:
    return {one["name"]: int(one["id"]) for one in client.listing("report") if MARK in str(one["description"])}


def _problems(one: Mapping[str, Any], assets: Assets, contract: Contract, *, is_alert: bool) -> Iterator[str]:
    needed = {"subject", "dashboard", "format", "at", "to", *(("sql", "when") if is_alert else ())}
    if missing := needed - one.keys():
        yield f"{', '.join(sorted(missing))} is missing"
        return
    if one["dashboard"] not in assets.dashboards():
        yield f"there is no dashboard {one['dashboard']!r}"
    if one["format"] not in FORMATS:
        yield f"the format {one['format']!r} is none of {', '.join(FORMATS)}"
    if len(str(one["at"]).split()) != 5:
        yield f"`at` is {one['at']!r}, which is no cron line of five fields"
    if is_alert:
        yield from _problems_of_alert(one, contract)


def _problems_of_alert(one: Mapping[str, Any], contract: Contract) -> Iterator[str]:
    operator, _, threshold = str(one["when"]).partition(" ")
    if operator not in OPERATORS or not _is_number(threshold):
        yield f"`when` is {one['when']!r}, and must be one of {' '.join(OPERATORS)} and a number"
    try:
        parsed = sqlglot.parse_one(one["sql"], read="trino")
    except sqlglot.errors.SqlglotError as error:
        yield f"`sql` cannot be read: {str(error).partition(chr(10))[0]}"
        return
    for table in parsed.find_all(exp.Table):
        if f"{table.db}.{table.name}" not in contract.tables:
            yield f"`sql` reads {table.db}.{table.name}, which dbt does not give to readers"


def _body(
    name: str, one: Mapping[str, Any], assets: Assets, numbers: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    body = {
        "type": "Alert" if "sql" in one else "Report",
        "name": name,
        "creation_method": "alerts_reports",
        "email_subject": one["subject"],
        "description": f"{one.get('description', '')} {MARK}".strip(),
        "dashboard": numbers["dashboards"][assets.dashboards()[one["dashboard"]].uuid],
        "report_format": one["format"],
        "crontab": one["at"],
        "timezone": one.get("timezone", "UTC"),
        "active": True,
        "force_screenshot": True,
        "working_timeout": MINUTES * 60,
        "log_retention": 90,
        "recipients": [{"type": "Email", "recipient_config_json": {"target": ", ".join(one["to"])}}],
    }
    if "sql" in one:
        (database,) = numbers["databases"].values()
        operator, _, threshold = one["when"].partition(" ")
        rule = {"validator_type": "operator", "validator_config_json": {"op": operator, "threshold": float(threshold)}}
        body |= {"database": database, "sql": one["sql"], "grace_period": HOUR, **rule}
    return body


def _told(one: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of a schedule, as sent or as the server gives it back."""
    same = ["type", "email_subject", "description", "report_format", "crontab", "timezone", "active", "sql"]
    same += ["force_screenshot", "working_timeout", *(["grace_period"] if one.get("type") == "Alert" else [])]
    recipients = [_object(found["recipient_config_json"]).get("target") for found in one.get("recipients") or []]
    numbers = {key: (one.get(key) or {})["id"] if isinstance(one.get(key), Mapping) else one.get(key)
               for key in ("dashboard", "database")}  # fmt: skip
    rule = _object(one.get("validator_config_json"))
    return {**{key: one.get(key) for key in same}, **numbers, "to": recipients, "rule": rule or None}


def _object(value: Any) -> dict[str, Any]:
    return dict(json.loads(value)) if isinstance(value, str) else dict(value or {})


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
