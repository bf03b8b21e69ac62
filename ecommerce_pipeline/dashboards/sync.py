"""Makes what git manages on the server equal to git: the authority on plan and removal.

Everything that differs goes over in one import, which the server does in one transaction: a sync that is killed leaves
either what was or what is wanted, never half a dashboard. What is removed afterwards is no longer on any dashboard of
ours. Objects whose identity git did not make are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ecommerce_pipeline.dashboards import canonical, files
from ecommerce_pipeline.dashboards.client import Client

Action = Literal["create", "update", "remove"]
# In the order in which they may be removed: nothing goes before what is made of it.
RESOURCES = {"dashboards": "dashboard", "charts": "chart", "datasets": "dataset", "databases": "database"}
TITLES = ("dashboard_title", "slice_name", "table_name", "database_name")


class Key(NamedTuple):
    """Which object: its kind and its identity."""

    kind: str
    uuid: str


@dataclass(frozen=True)
class Step:
    """One difference: what is to be done with which object; for an update, which parts of it differ."""

    action: Action
    key: Key
    title: str
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = f": {', '.join(self.parts)}" if self.parts else ""
        return f"{self.action} {RESOURCES[self.key.kind]} {self.title!r}{parts}"


def plan(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[Step]:
    """What stands between the server's objects and git's, both as bundles by file name; removals come last."""
    return [*_changes(managed(wanted), managed(found)), *_removals(managed(wanted), managed(found))]


def apply(client: Client, wanted: Mapping[str, Any], steps: list[Step]) -> None:
    """Carries the plan out; raises RefusedError, after which the server is as before."""
    if any(step.action != "remove" for step in steps):
        client.imported(wanted)
    for step in steps:
        if step.action == "remove":
            resource = RESOURCES[step.key.kind]
            number = ids(client, step.key.kind).get(step.key.uuid)
            if number is not None:  # an earlier attempt may have got this far
                client.delete(f"/api/v1/{resource}/{number}")


def ids(client: Client, kind: str) -> dict[str, int]:
    """The server's numbers of its objects of a kind, by identity."""
    return {str(found["uuid"]): int(found["id"]) for found in client.listing(RESOURCES[kind], "id,uuid")}


def managed(bundle: Mapping[str, Any]) -> dict[Key, Any]:
    """The objects that git made."""
    return {
        Key(name.split("/")[0], str(body["uuid"])): body
        for name, body in bundle.items()
        if name.split("/")[0] in RESOURCES and files.is_managed(str(body.get("uuid", "")))
    }


def _changes(wanted: Mapping[Key, Any], found: Mapping[Key, Any]) -> Iterator[Step]:
    for key, body in wanted.items():
        if key not in found:
            yield Step("create", key, _title(body))
        elif parts := tuple(differing(key.kind, body, found[key])):
            yield Step("update", key, _title(body), parts)


def _removals(wanted: Mapping[Key, Any], found: Mapping[Key, Any]) -> list[Step]:
    idle = [Step("remove", key, _title(body)) for key, body in found.items() if key not in wanted]
    return sorted(idle, key=lambda step: list(RESOURCES).index(step.key.kind))


def differing(kind: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """Names of the parts that differ."""
    left, right = canonical.of(kind, one), canonical.of(kind, other)
    return (part for part in left if left[part] != right[part])


def _title(body: Mapping[str, Any]) -> str:
    return next(str(body[key]) for key in TITLES if key in body)
