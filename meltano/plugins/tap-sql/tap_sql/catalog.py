"""Tables ↔ Singer catalog: what discovery offers, and what of it a run reads.

Meltano caches the catalog, so it is trusted for the selection only; columns and types are those the source has when
the run begins. A column that appeared since is read if the stream's whole table was selected; one that went is left
out and stays NULL.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .errors import TapError
from .model import Column, Selection, Table

logger = logging.getLogger("tap-sql")
Entry = Mapping[str, Any]


def to_catalog(tables: Iterable[Table]) -> dict[str, Any]:
    """The Singer catalog of the tables."""
    return {"streams": [_entry(table) for table in tables]}


def selections(catalog: Entry, tables: Sequence[Table]) -> Iterator[Selection]:
    """What the catalog selects, in its order.

    Raises TapError for a stream whose table is gone or whose replication key is no column.
    """
    by_stream = {table.stream: table for table in tables}
    for entry in catalog.get("streams", []):
        metadata = _metadata(entry)
        if not metadata.get((), {}).get("selected"):
            continue
        stream = entry["tap_stream_id"]
        if stream not in by_stream:
            raise TapError(
                f"tap-sql: stream {stream}: its table is gone or may not be read. Next: grant SELECT on it; if it was "
                "renamed, select its new name (a table of the lake of its own); or deselect the stream"
            )
        yield _selection(by_stream[stream], metadata)


def _entry(table: Table) -> dict[str, Any]:
    names = [column.name for column in table.columns]
    stream_metadata: dict[str, Any] = {
        "inclusion": "available",
        "schema-name": table.schema,
        "table-key-properties": list(table.keys),
        "is-view": table.is_view,
        "valid-replication-keys": [
            c.name for c in table.columns if c.schema.get("format") or c.schema["type"][1] == "integer"
        ],
    }
    return {
        "tap_stream_id": table.stream,
        "stream": table.stream,
        "table_name": table.name,
        "key_properties": list(table.keys),
        "schema": {"type": "object", "properties": {column.name: dict(column.schema) for column in table.columns}},
        "metadata": [{"breadcrumb": [], "metadata": stream_metadata}]
        + [_column_metadata(table, column) for column in table.columns if column.name in names],
    }


def _column_metadata(table: Table, column: Column) -> dict[str, Any]:
    inclusion = "automatic" if column.name in table.keys else "available"
    return {
        "breadcrumb": ["properties", column.name],
        "metadata": {"inclusion": inclusion, "selected-by-default": True, "sql-datatype": column.sql_type},
    }


def _metadata(entry: Entry) -> dict[tuple[str, ...], Mapping[str, Any]]:
    return {tuple(item["breadcrumb"]): item["metadata"] for item in entry.get("metadata", [])}


def _selection(table: Table, metadata: Mapping[tuple[str, ...], Mapping[str, Any]]) -> Selection:
    stream = metadata[()]
    method = stream.get("forced-replication-method") or stream.get("replication-method") or "FULL_TABLE"
    method = str(method).upper()
    key = stream.get("replication-key") if method == "INCREMENTAL" else None
    if method == "INCREMENTAL" and key not in {column.name for column in table.columns}:
        raise TapError(
            f"tap-sql: stream {table.stream}: replication-key {key!r} is no column of the table. "
            "Next: set metadata.<stream>.replication-key in meltano.yml to one of its columns, or "
            "replication-method to FULL_TABLE"
        )
    if not table.keys and method != "LOG_BASED":
        _warn_keyless(table, key)
    columns = tuple(_selected_columns(table, metadata, key))
    hours = _compare_hours(table, stream) if method == "INCREMENTAL" else None
    return Selection(table, columns, key, log_based=method == "LOG_BASED", compare_keys_hours=hours)


def _compare_hours(table: Table, stream: Mapping[str, Any]) -> float | None:
    given = stream.get("compare-keys-hours")
    if given is None:
        return None
    if not table.keys:
        raise TapError(
            f"tap-sql: stream {table.stream}: compare-keys-hours needs a primary key, and the table has none. "
            "Next: give it one, or take compare-keys-hours away"
        )
    try:
        return float(given)
    except ValueError:
        raise TapError(
            f"tap-sql: stream {table.stream}: compare-keys-hours is {given!r}. Next: set it to a number of hours, "
            "0 for every run"
        ) from None


def _selected_columns(
    table: Table, metadata: Mapping[tuple[str, ...], Mapping[str, Any]], key: str | None
) -> Iterator[Column]:
    known = {path[1]: _is_selected(item) for path, item in metadata.items() if len(path) == 2}
    whole = all(known.values())
    for column in table.columns:
        if column.name not in known and whole:
            logger.info("%s: new column %s", table.stream, column.name)
        if known.get(column.name, whole) or column.name in (*table.keys, key):
            yield column
    for gone in known.keys() - {column.name for column in table.columns}:
        logger.warning("%s: column %s is gone from the source, it will be NULL from now on", table.stream, gone)


def _is_selected(metadata: Mapping[str, Any]) -> bool:
    if metadata.get("inclusion") == "automatic":
        return True
    return bool(metadata.get("selected", metadata.get("selected-by-default", False)))


def _warn_keyless(table: Table, key: str | None) -> None:
    consequence = (
        f"each row with a newer {key} is appended whole; without a key nothing tells which older row it replaces"
        if key
        else "the whole table is read each time and replaces what was loaded"
    )
    logger.warning(
        "%s: the table has no primary key: %s. Next: give it one, or keep it as it is", table.stream, consequence
    )
