"""What a Singer catalog says about a stream: selected or not, which columns, which replication method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tap_files.declaration import Declaration


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
    method = root.get("forced-replication-method") or root.get("replication-method") or entry.get("replication_method")
    return replace(declaration, columns=columns, replication_method=method or declaration.replication_method)
