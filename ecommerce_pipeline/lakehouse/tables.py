"""The tables of a branch: which are there, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple

from pyiceberg.io import load_file_io

from ecommerce_pipeline.lakehouse import contents, database, pointers
from ecommerce_pipeline.lakehouse.catalog import LAKE, catalog_properties, open_catalog
from ecommerce_pipeline.lakehouse.pointers import Name, Pointer
from ecommerce_pipeline.settings import Settings

Address = tuple[str, ...]


class TableStatus(NamedTuple):
    """One table: `last_commit` is UTC; `files` and `bytes` count data and delete files of the current snapshot."""

    namespace: str
    name: str
    rows: int
    files: int
    bytes: int
    snapshots: int
    last_commit: datetime


def existing(settings: Settings, wanted: Iterable[Address]) -> set[Address]:
    """Those of the tables that production has. To be asked before a reader pins its moment: a table that is made in
    between would be unknown to it. Raises LakehouseError.
    """
    with open_catalog(settings) as catalog:
        return {address for address in wanted if catalog.table_exists(address)}


def table_statuses(settings: Settings, branch: str = LAKE) -> list[TableStatus]:
    """Every table of a branch, by schema and name; raises BranchError if there is no such branch."""
    open_catalog(settings, branch).close()
    with database.snapshot(settings) as connection:
        found = pointers.read_all(connection, branch)
    properties = catalog_properties(settings)
    tables = [(name, pointer) for name, pointer in found.items() if pointer.kind != contents.VIEW]
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda item: _status(properties, *item), tables))


def _status(properties: dict[str, str], name: Name, pointer: Pointer) -> TableStatus:
    metadata = contents.read_metadata(properties, pointer.location)
    held = contents.of_metadata(metadata, load_file_io(properties, pointer.location))
    last_commit = datetime.fromtimestamp(metadata.last_updated_ms / 1000, UTC)
    return TableStatus(*name, held.rows, held.files, held.bytes, len(metadata.snapshots), last_commit)
