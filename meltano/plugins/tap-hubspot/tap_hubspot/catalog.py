"""What a Singer catalog says about a stream: selected or not, which properties, which replication method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tap_hubspot.declaration import Declaration


def as_selected(declared: Declaration, catalog: Mapping[str, Any]) -> Declaration | None:
    """The declaration with the catalog's choices applied; None if the stream is not selected.

    Without a catalog everything is read as declared.
    """
    if not catalog:
        return declared
    entry = next((e for e in catalog.get("streams", []) if e["tap_stream_id"] == declared.name), None)
    if entry is None:
        return None
    metadata = {tuple(item["breadcrumb"]): item["metadata"] for item in entry.get("metadata", [])}
    root = metadata.get((), {})
    if not root.get("selected", entry.get("selected", False)):
        return None
    chosen = {
        name: kind
        for name, kind in declared.properties.items()
        if metadata.get(("properties", name), {}).get("selected", True)
    }
    method = root.get("forced-replication-method") or root.get("replication-method") or entry.get("replication_method")
    full_table = declared.full_table if method is None else method == "FULL_TABLE"
    return replace(declared, properties=chosen, full_table=full_table)
