"""The data dictionary: every table and column of the models as Markdown, from dbt's manifest, so that it cannot say
what is not so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from ecommerce_pipeline.transformation.project import Manifest
from ecommerce_pipeline.transformation.translator import ASSET_TYPES, meta_of

LAYERS = (
    "staging", "intermediate", "core", "finance", "marketing", "growth", "product", "executive", "ml", "quality"
)  # fmt: skip
HEAD = """# Data dictionary

Written by `make docs` from the models' YAML; do not edit. Class: public, internal, personal (says something about a
person) or secret. Origin: real data, or simulated by the demo company. All times are UTC, money is US dollars.
"""


def render(manifest: Manifest) -> str:
    """The whole dictionary."""
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ASSET_TYPES]
    nodes.sort(key=lambda node: (_rank(node["schema"]), node["schema"], node["alias"]))
    lines = [HEAD]
    for schema, tables in groupby(nodes, key=lambda node: str(node["schema"])):
        lines.append(f"## {schema}\n")
        for node in tables:
            lines.extend(_table(node))
    return "\n".join(lines)


def _rank(schema: str) -> int:
    return LAYERS.index(schema) if schema in LAYERS else len(LAYERS)


def _table(node: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {node['schema']}.{node['alias']}\n"
    yield f"{node['description'].strip()}\n"
    yield f"Owner: {meta_of(node).get('owner', 'nobody')}\n"
    if node["columns"]:
        yield "| column | type | class | origin | meaning |"
        yield "|---|---|---|---|---|"
        yield from (_column(name, column) for name, column in node["columns"].items())
        yield ""


def _column(name: str, column: Mapping[str, Any]) -> str:
    meta = meta_of(column)
    meaning = " ".join(column.get("description", "").split()).replace("|", "\\|")
    return (
        f"| {name} | {column.get('data_type', '')} | {meta.get('class', '')} | {meta.get('origin', '')} | {meaning} |"
    )
