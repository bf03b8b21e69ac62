"""What people say about raw tables: the `sources` of the dbt project, where analytics engineers already describe them.

Descriptions, owners and sensitivity classes are written once, in dbt's YAML, and shown on the raw assets as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from dagster import AssetKey

from ecommerce_pipeline.settings import Settings

DEFAULT_OWNER = "team:data-platform"


@dataclass(frozen=True)
class Described:
    """One raw table in words: `classes` and `columns` by column name, as far as somebody wrote them down."""

    description: str = ""
    owner: str = DEFAULT_OWNER
    sensitivity: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)


def raw_tables(settings: Settings) -> dict[AssetKey, Described]:
    """Every table of every dbt source, by its key; a YAML file that cannot be read is dbt's to report."""
    found: dict[AssetKey, Described] = {}
    for path in sorted((settings.root / "dbt" / "models").glob("**/*sources.yml")):
        try:
            content = msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any])
        except msgspec.DecodeError:
            continue
        for source in content.get("sources", ()):
            for table in source.get("tables", ()):
                found[AssetKey([source["name"], table["name"]])] = _described(source, table)
    return found


def _described(source: Mapping[str, Any], table: Mapping[str, Any]) -> Described:
    meta = {**_meta(source), **_meta(table)}
    columns = table.get("columns", ())
    return Described(
        description=str(table.get("description", "")).strip(),
        owner=_owner(meta.get("owner")),
        sensitivity=meta.get("class"),
        columns={column["name"]: str(column.get("description", "")) for column in columns},
        classes={column["name"]: _meta(column)["class"] for column in columns if "class" in _meta(column)},
    )


def _meta(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry.get("meta", {}), **entry.get("config", {}).get("meta", {})}


def _owner(name: str | None) -> str:
    if not name:
        return DEFAULT_OWNER
    return name if "@" in name or name.startswith("team:") else f"team:{name}"
