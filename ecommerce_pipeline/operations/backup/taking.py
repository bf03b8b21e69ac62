"""Taking a backup: pointers in one moment, then the files they reach, then the manifest.

It reads only, and takes no lease: an ingestion or a build goes on beside it. A file it needs cannot go away within
upkeep's grace, a day from the moment its table let go of it; one that is missing all the same ends the backup.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pyiceberg.catalog.sql import IcebergNamespaceProperties
from sqlalchemy import select

from ecommerce_pipeline.lakehouse import contents, database, pointers
from ecommerce_pipeline.lakehouse.catalog import LAKE, catalog_properties, check_warehouse
from ecommerce_pipeline.lakehouse.files import StoredFile, list_files, path_of, warehouse
from ecommerce_pipeline.lakehouse.pointers import Name, Pointer
from ecommerce_pipeline.lakehouse.reachability import Reach
from ecommerce_pipeline.operations.backup import account
from ecommerce_pipeline.operations.backup.archive import (
    FORMAT,
    Archive,
    BackupError,
    File,
    Manifest,
    Table,
    checksum_of,
)
from ecommerce_pipeline.operations.backup.copying import LOG, each
from ecommerce_pipeline.settings import Settings


class Taken(NamedTuple):
    """A backup, and how many of its files and bytes were not there before."""

    manifest: Manifest
    new_files: int
    new_bytes: int


def take(settings: Settings, folder: Path) -> Taken:
    """Back the lake up into `folder`; raises BackupError, or LakehouseError if the lake cannot be read.

    Branches are not kept: they are candidates and private copies, and are made again.
    """
    settings, archive = account.reading(settings), Archive(folder)
    check_warehouse(settings)
    taken_at = datetime.now(UTC)
    found, namespaces = _pointers(settings)
    if not found:
        raise BackupError(f"the lake {settings.warehouse} has no table to back up. Next: load it first")
    tables = _tables(settings, found)
    needed = _needed(settings, found)
    archive.clear_abandoned()
    files, new = _copy(settings, archive, needed)
    manifest = Manifest(FORMAT, taken_at, settings.profile, settings.warehouse, namespaces, tables, files)
    archive.keep(manifest)
    return Taken(manifest, len(new), sum(file.bytes for file in new))


def _pointers(settings: Settings) -> tuple[dict[Name, Pointer], list[tuple[str, str, str]]]:
    spaces = IcebergNamespaceProperties
    columns = (spaces.namespace, spaces.property_key, spaces.property_value)
    with database.snapshot(settings) as connection:
        kept = connection.execute(select(*columns).where(spaces.catalog_name == LAKE).order_by(*columns[:2]))
        return pointers.read_all(connection, LAKE), [(row[0], row[1], row[2]) for row in kept]


def _tables(settings: Settings, found: dict[Name, Pointer]) -> list[Table]:
    properties = catalog_properties(settings)
    held = {name: contents.of_pointer(properties, pointer) for name, pointer in found.items()}
    return [
        Table(*name, pointer.kind, pointer.location, held[name].rows, held[name].files, held[name].bytes)
        for name, pointer in found.items()
    ]


def _needed(settings: Settings, found: dict[Name, Pointer]) -> list[StoredFile]:
    """The files that the tables reach; those of an earlier time that nothing but the log of a table's past names may
    be gone.
    """
    LOG.info("following %d tables to their files", len(found))
    reach = Reach(catalog_properties(settings))
    try:
        for pointer in found.values():
            if pointer.kind == contents.VIEW:
                reach.paths.add(path_of(pointer.location))
            else:
                reach.add(pointer.location)
    except FileNotFoundError as error:
        raise _gone(str(error)) from error
    stored = {file.path: file for file in list_files(settings)}
    gone = [path for path in sorted(reach.paths - stored.keys()) if not path.endswith(".metadata.json")]
    if gone:
        raise _gone(gone[0])
    return [stored[path] for path in sorted(reach.paths & stored.keys())]


def _copy(settings: Settings, archive: Archive, needed: list[StoredFile]) -> tuple[list[File], list[File]]:
    """All files of the backup, and those that had to be copied."""
    system, root = warehouse(settings)
    known = archive.known()

    def one(file: StoredFile) -> tuple[File, bool]:
        path = file.path.removeprefix(f"{root}/")
        place = archive.file(path)
        if place.exists() and place.stat().st_size == file.bytes:
            if path in known:
                return known[path], False
            with place.open("rb") as source, system.open_input_stream(file.path) as original:
                if (checksum := checksum_of(source)) == checksum_of(original):
                    return File(path, file.bytes, checksum), False
        with system.open_input_stream(file.path) as source:
            return archive.store(path, source), True

    try:
        copied = each("copying what is new", one, needed, lambda file: file.bytes)
    except FileNotFoundError as error:
        raise _gone(str(error)) from error
    return sorted((file for file, _ in copied), key=lambda file: file.path), [file for file, new in copied if new]


def _gone(what: str) -> BackupError:
    return BackupError(
        f"a file that a table needs is not there: {what}. No backup was made. Next: take it again; if it says so "
        "again, `shopsphere doctor`, and restore an earlier backup"
    )
