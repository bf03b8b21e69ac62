"""A dashboard's layout: the authority on what makes one whole.

Superset keeps it as nodes by id that name their children. One that is not whole is accepted, and shows an empty page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Nodes = Mapping[str, Any]
ROOT, GRID, HEADER, COLUMNS = "ROOT_ID", "GRID_ID", "HEADER_ID", 12


def charts(position: Nodes) -> dict[str, str]:
    """The charts' names by UUID, in the layout's order."""
    found = [node["meta"] for node in nodes(position).values() if node.get("type") == "CHART"]
    return {str(meta.get("uuid")): str(meta.get("sliceName", "")) for meta in found if isinstance(meta, Mapping)}


def nodes(position: Nodes) -> dict[str, Any]:
    """The nodes by id; the layout's version number is not one."""
    return {name: node for name, node in position.items() if isinstance(node, Mapping)}


def numbered(position: Nodes) -> dict[str, Any]:
    """The layout as Superset's import wants it: every node with its ancestors, every chart with a number to replace."""
    whole = {name: {**node} if isinstance(node, Mapping) else node for name, node in position.items()}
    _name_ancestors(whole, ROOT, [])
    for number, node in enumerate(nodes(whole).values(), 1):
        if node.get("type") == "CHART":
            node["meta"] = {**node["meta"], "chartId": number}
    return whole


def problems(position: Nodes) -> Iterator[str]:
    """What is not whole."""
    known = nodes(position)
    for needed in (ROOT, GRID):
        if needed not in known:
            yield f"the layout has no {needed}"
            return
    reached = set(_below(known, ROOT, []))
    for name, node in known.items():
        yield from _problems_of(name, node, known)
        if name not in reached and name != HEADER:
            yield f"{name} is in the layout, but in no row"
    if not any(node.get("type") == "CHART" for node in known.values()):
        yield "the layout has no chart"


def _problems_of(name: str, node: Nodes, known: Nodes) -> Iterator[str]:
    if node.get("id") != name:
        yield f"{name} says its id is {node.get('id')!r}"
    for child in node.get("children") or []:
        if child not in known:
            yield f"{name} names {child}, which is not there"
    if node.get("type") == "ROW":
        width = sum(_width(known.get(child, {})) for child in node.get("children") or [])
        if width > COLUMNS:
            yield f"{name} is {width} columns wide; a row has {COLUMNS}"
        if not node.get("children"):
            yield f"{name} is a row with nothing in it"


def _width(node: Nodes) -> int:
    return int((node.get("meta") or {}).get("width", 0))


def _below(known: Nodes, name: str, above: list[str]) -> Iterator[str]:
    if name in above or name not in known:
        return
    yield name
    for child in known[name].get("children") or []:
        yield from _below(known, child, [*above, name])


def _name_ancestors(whole: dict[str, Any], name: str, above: list[str]) -> None:
    if above:
        whole[name]["parents"] = above
    for child in whole[name].get("children") or []:
        _name_ancestors(whole, child, [*above, name])
