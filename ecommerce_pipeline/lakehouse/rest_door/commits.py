"""Commits through the door: validate, write the new metadata file, then move the pointers in one SQL transaction.

A transaction over several tables lands whole or not at all. A lost race is CommitFailedException, which the door
answers with 409 and DuckDB reports to its caller; nothing is retried here, because only the caller knows whether its
rows are still right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.table import CommitTableRequest, StagedTable, Table

from ecommerce_pipeline.lakehouse import pointers
from ecommerce_pipeline.lakehouse.pointers import Name, Pointer
from ecommerce_pipeline.lakehouse.rest_door.shelf import Shelf


class Staged(NamedTuple):
    """A commit whose metadata is written and whose pointer is not moved yet."""

    name: Name
    base: str | None
    table: StagedTable


def commit(shelf: Shelf, changes: Sequence[tuple[Name, CommitTableRequest]]) -> list[Staged]:
    """Land all changes or none; raises CommitFailedException."""
    shelf.writable()
    locks = [shelf.lock(name) for name in sorted({name for name, _ in changes})]
    for lock in locks:
        lock.acquire()
    try:
        staged = [_stage(shelf, name, request) for name, request in changes]
        _land(shelf, staged)
    finally:
        for lock in reversed(locks):
            lock.release()
    return staged


def _stage(shelf: Shelf, name: Name, request: CommitTableRequest) -> Staged:
    catalog = shelf.catalog
    current = _current(shelf, name)
    staged = catalog._update_and_stage_table(current, tuple(name), request.requirements, request.updates)
    catalog._write_metadata(staged.metadata, staged.io, staged.metadata_location)
    return Staged(name, current.metadata_location if current else None, staged)


def _current(shelf: Shelf, name: Name) -> Table | None:
    try:
        location = shelf.location(name)
    except NoSuchTableError:
        return None
    io = shelf.catalog._load_file_io(location=location)
    return Table(tuple(name), shelf.metadata(location), location, io, shelf.catalog)


def _land(shelf: Shelf, staged: Sequence[Staged]) -> None:
    branch = shelf.catalog.name
    with shelf.catalog.engine.begin() as connection:
        for name, base, table in staged:
            new = table.metadata_location
            if base is None:
                done = pointers.add(connection, branch, name, Pointer(new, "TABLE"))
            else:
                done = pointers.move(connection, branch, name, base, new)
            if not done:
                raise CommitFailedException(f"{name} was changed by somebody else meanwhile; nothing was committed")
