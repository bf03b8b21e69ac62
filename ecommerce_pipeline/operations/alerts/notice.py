"""An incident as people and programs read it: what, since when, whom it touches, the likely cause, where to look."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from ecommerce_pipeline.operations.alerts.findings import Kind, Wrong
from ecommerce_pipeline.operations.asset_graph import Graph, downstream
from ecommerce_pipeline.operations.policies import PLATFORM_TEAM
from ecommerce_pipeline.settings import Settings

Event = Literal["opened", "recovered", "digest", "test"]
DASHBOARDS = "dashboards"
SHOWN = 8  # names in a line; the JSON has them all
MARKS: dict[Event, str] = {"opened": "🔴", "recovered": "🟢", "digest": "📋", "test": "🔔"}
RUNBOOKS: dict[Kind, str] = {
    "run": "a-run-failed",
    "check": "a-check-failed",
    "deadline": "a-deadline-was-missed",
    "quarantine": "quarantine",
    "revenue": "unusual-revenue",
    "freshness": "a-stream-fell-behind",
    "volume": "unusual-volume",
    "lake": "the-lake-cannot-be-read",
    "disk": "disk-or-memory-short",
    "memory": "disk-or-memory-short",
}


@dataclass(frozen=True)
class Notice:
    """One message. `since` and `until` are UTC, ISO 8601, `until` empty while it lasts; `tables` and `dashboards` are
    all that is reached, `owners` those of what is directly concerned.
    """

    event: Event
    incident: str
    kind: str
    what: str
    since: str
    until: str = ""
    cause: str = ""
    tables: tuple[str, ...] = ()
    dashboards: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    link: str = ""
    runbook: str = ""

    @property
    def subject(self) -> str:
        """One line."""
        return f"{self.event}: {self.what}"

    @property
    def text(self) -> str:
        """The whole message, as plain text."""
        lines = [
            f"{MARKS[self.event]} {self.subject}",
            f"since    {self.since}" + (f" until {self.until}" if self.until else "") if self.since else "",
            f"impact   {self._impact()}" if self.tables or self.dashboards else "",
            f"owner    {', '.join(self.owners)}" if self.owners else "",
            f"run      {self.link}" if self.link else "",
            f"runbook  {self.runbook}" if self.runbook else "",
            f"\n{self.cause}" if self.cause else "",
        ]
        return "\n".join(line for line in lines if line)

    def recovered(self, at: datetime) -> Notice:
        """That it is over."""
        return replace(self, event="recovered", until=_iso(at), cause="")

    def to_json(self) -> str:
        """As it is kept, and as a webhook gets it."""
        return json.dumps(asdict(self) | {"text": self.text}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Notice:
        """The notice that was kept."""
        held: dict[str, Any] = json.loads(text)
        held.pop("text")
        lists = {name: tuple(held[name]) for name in ("tables", "dashboards", "owners")}
        return cls(**{**held, **lists})

    def _impact(self) -> str:
        found = [f"{len(self.tables)} tables: {_some(self.tables)}"] if self.tables else []
        return "; ".join([*found, f"dashboards: {_some(self.dashboards)}"] if self.dashboards else found)


def of(settings: Settings, graph: Graph, wrong: Wrong) -> Notice:
    """The notice that opens an incident, with everything downstream of the tables concerned."""
    reached = sorted(downstream(graph, wrong.tables))
    return Notice(
        event="opened",
        incident=wrong.key,
        kind=wrong.kind,
        what=wrong.what,
        since=_iso(wrong.since),
        cause=wrong.cause,
        tables=tuple(".".join(key.path) for key in reached if key.path[0] != DASHBOARDS),
        dashboards=tuple(key.path[-1] for key in reached if key.path[0] == DASHBOARDS),
        owners=_owners(graph, wrong),
        link=f"{settings.dagster_url.rstrip('/')}/runs/{wrong.run_id}" if wrong.run_id else "",
        runbook=f"{settings.runbooks_url.rstrip('/')}/{RUNBOOKS[wrong.kind]}.md",
    )


def _owners(graph: Graph, wrong: Wrong) -> tuple[str, ...]:
    found = {owner for key in wrong.tables if graph.has(key) for owner in graph.get(key).owners}
    names = {owner.removeprefix("team:") for owner in {*found, *wrong.owners}}
    return tuple(sorted(names)) or (PLATFORM_TEAM.removeprefix("team:"),)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
