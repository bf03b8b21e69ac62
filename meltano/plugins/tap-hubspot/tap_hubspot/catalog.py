"""The Singer catalog: which streams there are, and what a given catalog chooses of them (columns, method)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tap_hubspot.declaration import Declaration


def discovered(streams: Iterable[Declaration]) -> dict[str, Any]:
    """The catalog of all declared streams. Meltano asks for it before every run, so it is made without the SDK."""
    return {"streams": [_entry(stream) for stream in streams]}


def _entry(stream: Declaration) -> dict[str, Any]:
    keys, method = ["id"], "FULL_TABLE" if stream.full_table else "INCREMENTAL"
    root = {"inclusion": "available", "table-key-properties": keys, "forced-replication-method": method}
    columns = [
        {"breadcrumb": ["properties", name], "metadata": {"inclusion": "automatic" if name in keys else "available"}}
        for name in stream.schema["properties"]
    ]
    return {
        "tap_stream_id": stream.name,
        "stream": stream.name,
        "schema": stream.schema,
        "key_properties": keys,
        "replication_method": method,
        "metadata": [{"breadcrumb": [], "metadata": root}, *columns],
    }


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
    method = root.get("replication-method") or root.get("forced-replication-method") or entry.get("replication_method")
    full_table = declared.full_table if method is None else method == "FULL_TABLE"
    return replace(declared, properties=chosen, full_table=full_table)
