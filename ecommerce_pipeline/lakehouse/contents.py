"""How much a table holds: the authority on counting rows, files and bytes without reading a row.

Iceberg's snapshot summaries carry running totals. DuckDB's leave the size out, and none of them knows how many rows a
position delete hides, so rows are data rows less deleted positions, and a missing size is added up from the manifests.
"""

from __future__ import annotations

from typing import NamedTuple

from pyiceberg.io import FileIO, load_file_io
from pyiceberg.serializers import FromInputFile
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot, ancestors_of
from sqlalchemy import Connection

from ecommerce_pipeline.lakehouse import pointers
from ecommerce_pipeline.lakehouse.pointers import Name, Pointer

VIEW = "VIEW"


class Contents(NamedTuple):
    """What a table's current snapshot holds; `files` and `bytes` count data and delete files."""

    snapshot_id: int | None
    rows: int
    files: int
    bytes: int


EMPTY = Contents(None, 0, 0, 0)


def tables_of(connection: Connection, branch: str) -> dict[Name, str]:
    """What a reader of a branch sees, in one moment: each table's metadata file; no view, nothing half built by dbt."""
    return {
        name: pointer.location
        for name, pointer in pointers.read_all(connection, branch).items()
        if pointer.kind != VIEW and not name.table.endswith(pointers.TEMPORARY)
    }


def read_metadata(properties: dict[str, str], location: str) -> TableMetadata:
    """Parse a metadata file; `properties` are the catalog's, for reaching an object store."""
    return FromInputFile.table_metadata(load_file_io(properties, location).new_input(location))


def of_pointer(properties: dict[str, str], pointer: Pointer) -> Contents:
    """Contents of what a pointer points at; a view holds nothing."""
    if pointer.kind == VIEW:
        return EMPTY
    return of_metadata(read_metadata(properties, pointer.location), load_file_io(properties, pointer.location))


def of_metadata(metadata: TableMetadata, io: FileIO) -> Contents:
    """Contents of a table's current snapshot."""
    snapshot = metadata.current_snapshot()
    if snapshot is None:
        return EMPTY
    totals = snapshot.summary.additional_properties if snapshot.summary else {}
    rows = rows_of(snapshot)
    if rows is None or {"total-data-files", "total-files-size"} - totals.keys():
        return _from_manifests(snapshot, io)
    files = int(totals["total-data-files"]) + int(totals.get("total-delete-files", 0))
    return Contents(snapshot.snapshot_id, rows, files, int(totals["total-files-size"]))


def rows_of(snapshot: Snapshot) -> int | None:
    """Rows that a snapshot holds, by its summary alone; None if its writer left them out."""
    totals = snapshot.summary.additional_properties if snapshot.summary else {}
    if "total-records" not in totals:
        return None
    return int(totals["total-records"]) - int(totals.get("total-position-deletes", 0))


def fragments(metadata: TableMetadata) -> int:
    """Delete files, and the data files that commits have added since the table was last written as a whole."""
    snapshot = metadata.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return 0
    totals = snapshot.summary.additional_properties
    whole = 0
    for earlier in ancestors_of(snapshot, metadata):
        summary = earlier.summary.additional_properties if earlier.summary else {}
        if summary.get("total-data-files") == summary.get("added-data-files"):
            whole = int(summary.get("total-data-files", 0))
            break
    return int(totals.get("total-data-files", 0)) - whole + int(totals.get("total-delete-files", 0))


def _from_manifests(snapshot: Snapshot, io: FileIO) -> Contents:
    rows = files = size = 0
    for manifest in snapshot.manifests(io):
        for entry in manifest.fetch_manifest_entry(io):
            data_file = entry.data_file
            rows += data_file.record_count if data_file.content == 0 else -data_file.record_count
            files += 1
            size += data_file.file_size_in_bytes
    return Contents(snapshot.snapshot_id, rows, files, size)
