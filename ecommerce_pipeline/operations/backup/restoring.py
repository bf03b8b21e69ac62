"""Putting a backup back: files first, checked, then every pointer in one transaction.

Until that transaction the lake is what it was, so an interrupted restore is begun again by the same command. A file
that is there already is read and compared, and written only if it is damaged. Bookmarks are part of the tables: after
an older backup the next ingestion reads from where that one stood.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pyarrow.fs import FileSystem, FileType
from pyiceberg.catalog.sql import IcebergNamespaceProperties
from sqlalchemy import Connection, delete, insert

from ecommerce_pipeline.lakehouse import contents, database, pointers
from ecommerce_pipeline.lakehouse.branch import list_branches
from ecommerce_pipeline.lakehouse.catalog import LAKE, catalog_properties, check_warehouse, open_catalog
from ecommerce_pipeline.lakehouse.files import warehouse
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.orphans import FILES
from ecommerce_pipeline.lakehouse.pointers import Name, Pointer
from ecommerce_pipeline.operations.backup.archive import Archive, BackupError, File, Manifest, checksum_of, chunks
from ecommerce_pipeline.operations.backup.copying import LOG, each
from ecommerce_pipeline.settings import Settings

BUILDING = "branch:lake_next"  # nobody builds on a lake that is being put back


class Restored(NamedTuple):
    """What was put back; `written` counts the files that were not there, or damaged."""

    manifest: Manifest
    written: int


def restore(settings: Settings, folder: Path, name: str | None = None, *, replace: bool = False) -> Restored:
    """Put back the backup of that name, the latest if None; with `replace` over the tables that are there.

    Tables that the backup has not are then unregistered.
    Raises BackupError, and LeaseHeld if somebody writes or sweeps.
    """
    archive = Archive(folder)
    manifest = archive.read(name)
    _check_place(settings, manifest)
    check_warehouse(settings)
    _check_empty(settings, replace=replace)
    with hold(settings, [BUILDING, FILES, *_leases(settings, manifest)], "restore") as lease:
        written = _copy(settings, archive, manifest)
        with database.transaction(settings) as connection:
            lease.check(connection)
            _point(connection, manifest)
        _verify(settings, manifest)
    return Restored(manifest, written)


def _check_place(settings: Settings, manifest: Manifest) -> None:
    if manifest.warehouse != settings.warehouse:
        raise BackupError(
            f"the backup {manifest.name} is of {manifest.warehouse}, the settings say {settings.warehouse}, and "
            f"Iceberg's metadata holds whole paths. Next: set SHOPSPHERE_LAKE_WAREHOUSE={manifest.warehouse}, with "
            "that bucket or folder in place, and restore again"
        )


def _check_empty(settings: Settings, *, replace: bool) -> None:
    with database.snapshot(settings) as connection:
        there = pointers.read_all(connection, LAKE)
    if there and not replace:
        raise BackupError(
            f"the lake {settings.warehouse} is not empty: it has {len(there)} tables. Next: `shopsphere backup` it "
            "first if it is worth anything, then restore with --replace"
        )
    if found := list_branches(settings):
        raise BackupError(
            f"branches are open, which the restored lake would not fit: {', '.join(one.name for one in found)}. "
            "Next: `shopsphere branch drop NAME`, then restore again"
        )


def _leases(settings: Settings, manifest: Manifest) -> set[str]:
    with database.snapshot(settings) as connection:
        there = pointers.read_all(connection, LAKE)
    return {f"table:{name}" for name in {*there, *(Name(one.namespace, one.name) for one in manifest.tables)}}


def _copy(settings: Settings, archive: Archive, manifest: Manifest) -> int:
    system, root = warehouse(settings)

    def one(file: File) -> bool:
        target = f"{root}/{file.path}"
        if _is_there(system, target, file):
            return False
        _write(system, target, archive, file)
        return True

    return sum(each("putting files back", one, manifest.files, lambda file: file.bytes))


def _is_there(system: FileSystem, target: str, file: File) -> bool:
    found = system.get_file_info(target)
    if found.type != FileType.File or found.size != file.bytes:
        return False
    with system.open_input_stream(target) as source:
        return checksum_of(source) == file.sha256


def _write(system: FileSystem, target: str, archive: Archive, file: File) -> None:
    place = archive.file(file.path)
    try:
        with place.open("rb") as source:
            sound = checksum_of(source) == file.sha256
    except FileNotFoundError:
        sound = False
    if not sound:
        raise BackupError(
            f"{place} is missing or damaged; the lake is as it was. Next: restore another backup with --from, or put "
            "back that file from a copy of the folder"
        )
    with place.open("rb") as source, system.open_output_stream(target) as written:
        for chunk in chunks(source):
            written.write(chunk)


def _point(connection: Connection, manifest: Manifest) -> None:
    """Production becomes what the manifest says."""
    there = pointers.read_all(connection, LAKE)
    spaces = IcebergNamespaceProperties
    kept = {table.location for table in manifest.tables}
    pointers.retire(connection, [pointer.location for pointer in there.values() if pointer.location not in kept])
    for name in there:
        pointers.remove(connection, LAKE, name)
    connection.execute(delete(spaces).where(spaces.catalog_name == LAKE))
    for namespace, key, value in manifest.namespaces:
        row = {"namespace": namespace, "property_key": key, "property_value": value}
        connection.execute(insert(spaces).values(catalog_name=LAKE, **row))
    for table in manifest.tables:
        pointers.add(connection, LAKE, Name(table.namespace, table.name), Pointer(table.location, table.kind))


def _verify(settings: Settings, manifest: Manifest) -> None:
    """Every table counted anew, through the catalog."""
    LOG.info("counting %d tables", len(manifest.tables))
    properties, catalog = catalog_properties(settings), open_catalog(settings)
    for table in manifest.tables:
        if table.kind == contents.VIEW:
            continue
        rows = catalog.load_table((table.namespace, table.name)).scan().count()
        held = contents.of_pointer(properties, Pointer(table.location, table.kind))
        if (rows, held.files, held.bytes) != (table.rows, table.files, table.bytes):
            raise BackupError(
                f"{table.namespace}.{table.name} holds {rows:,} rows in {held.files} files after the restore, and held "
                f"{table.rows:,} in {table.files} when it was backed up. Next: restore another backup, with --from"
            )
