"""The Singer catalog: which streams there are, and what a given catalog chooses of them (columns, method)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tap_files.declaration import Declaration


def discovered(streams: Iterable[Declaration]) -> dict[str, Any]:
    """The catalog of all declared streams. Meltano asks for it before every run, so it is made without the SDK."""
    return {"streams": [_entry(stream) for stream in streams]}


def _entry(stream: Declaration) -> dict[str, Any]:
    keys, method = list(stream.key_properties), stream.replication_method
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


def as_selected(declaration: Declaration, catalog: Mapping[str, Any]) -> Declaration | None:
    """The declaration with the catalog's choices applied; None if the stream is not selected.

    Without a catalog everything is read as declared. Keys are read whether selected or not.
    """
    if not catalog:
        return declaration
    entry = next((e for e in catalog.get("streams", []) if e["tap_stream_id"] == declaration.name), None)
    if entry is None:
        return None
    metadata = {tuple(item["breadcrumb"]): item["metadata"] for item in entry.get("metadata", [])}
    root = metadata.get((), {})
    if not root.get("selected", entry.get("selected", False)):
        return None
    columns = tuple(
        column
        for column in declaration.columns
        if column.name in declaration.key_properties
        or metadata.get(("properties", column.name), {}).get("selected", True)
    )
    method = root.get("replication-method") or root.get("forced-replication-method") or entry.get("replication_method")
    return replace(declaration, columns=columns, replication_method=method or declaration.replication_method)
