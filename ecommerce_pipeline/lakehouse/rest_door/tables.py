"""The door's endpoints on tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pyiceberg.catalog.rest import CreateTableRequest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC
from pyiceberg.table import CommitTableRequest
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER

from ecommerce_pipeline.lakehouse import pointers
from ecommerce_pipeline.lakehouse.pointers import TEMPORARY, Name
from ecommerce_pipeline.lakehouse.rest_door.answers import NO_CONTENT, Answer, Request
from ecommerce_pipeline.lakehouse.rest_door.commits import commit
from ecommerce_pipeline.lakehouse.rest_door.shelf import Shelf
from ecommerce_pipeline.lakehouse.succession import successor


def list_tables(shelf: Shelf, request: Request) -> Answer:
    """GET …/tables."""
    names = shelf.tables(request.path["namespace"])
    return Answer(200, {"identifiers": [{"namespace": [name.namespace], "name": name.table} for name in names]})


def load_table(shelf: Shelf, request: Request) -> Answer:
    """GET …/tables/{table}."""
    location = shelf.location(_name(request))
    return Answer(200, _loaded(shelf.raw_metadata(location), location))


def table_exists(shelf: Shelf, request: Request) -> Answer:
    """HEAD …/tables/{table}."""
    shelf.location(_name(request))
    return NO_CONTENT


def create_table(shelf: Shelf, request: Request) -> Answer:
    """POST …/tables, staged or at once."""
    catalog = shelf.writable()
    body = {"location": None, "partition-spec": None, "write-order": None, **request.json()}
    wanted = CreateTableRequest.model_validate(body)
    name = Name(request.path["namespace"], wanted.name)
    if wanted.stage_create:
        if catalog.table_exists(tuple(name)):
            raise TableAlreadyExistsError(f"there is a table {name} already")
        metadata, location = _staged(shelf, name, wanted), None
    else:
        table = catalog.create_table(tuple(name), **_arguments(catalog, name, wanted))
        metadata, location = table.metadata, table.metadata_location
    _make_folders(metadata.location)
    return Answer(200, _loaded(_dump(metadata), location))


def _staged(shelf: Shelf, name: Name, wanted: CreateTableRequest) -> TableMetadata:
    """What the table will be; a rebuilt one gets its predecessor's ids (see `succession`)."""
    if (location := _predecessor(shelf, name)) is not None:
        spec = wanted.partition_spec or UNPARTITIONED_PARTITION_SPEC
        return successor(shelf.metadata(location), location, wanted.table_schema, spec, wanted.properties)
    catalog = shelf.writable()
    return catalog._create_staged_table(tuple(name), **_arguments(catalog, name, wanted)).metadata


def _predecessor(shelf: Shelf, name: Name) -> str | None:
    if not name.table.endswith(TEMPORARY):
        return None
    try:
        return shelf.location(name._replace(table=name.table.removesuffix(TEMPORARY)))
    except NoSuchTableError:
        return None


def _arguments(catalog: SqlCatalog, name: Name, wanted: CreateTableRequest) -> dict[str, Any]:
    location = wanted.location or None
    if name.table.endswith(TEMPORARY):
        # Built inside the target's folder, so that the files stay with the target they are made for.
        location = catalog._resolve_table_location(None, name.namespace, name.table.removesuffix(TEMPORARY))
    return {
        "schema": wanted.table_schema,
        "location": location,
        "partition_spec": wanted.partition_spec or UNPARTITIONED_PARTITION_SPEC,
        "sort_order": wanted.write_order or UNSORTED_SORT_ORDER,
        "properties": wanted.properties,
    }


def commit_table(shelf: Shelf, request: Request) -> Answer:
    """POST …/tables/{table}."""
    (landed,) = commit(shelf, [(_name(request), CommitTableRequest.model_validate_json(request.body))])
    return Answer(200, _loaded(_dump(landed.table.metadata), landed.table.metadata_location))


def commit_transaction(shelf: Shelf, request: Request) -> Answer:
    """POST …/transactions/commit: several tables, all or none."""
    changes = []
    for change in request.json()["table-changes"]:
        identifier = change["identifier"]
        name = Name(".".join(identifier["namespace"]), identifier["name"])
        changes.append((name, CommitTableRequest.model_validate(change)))
    commit(shelf, changes)
    return NO_CONTENT


def drop_table(shelf: Shelf, request: Request) -> Answer:
    """DELETE …/tables/{table}: only unregisters, whatever `purgeRequested` says."""
    name, catalog = _name(request), shelf.writable()
    location = shelf.location(name)
    with catalog.engine.begin() as connection:
        if not pointers.remove(connection, catalog.name, name):
            raise NoSuchTableError(f"there is no table {name} in the lake")
        if not name.table.endswith(TEMPORARY):
            pointers.retire(connection, [location])
    return NO_CONTENT


def rename_table(shelf: Shelf, request: Request) -> Answer:
    """POST …/tables/rename."""
    body, catalog = request.json(), shelf.writable()
    source, target = ((*body[side]["namespace"], body[side]["name"]) for side in ("source", "destination"))
    catalog.rename_table(source, target)
    return NO_CONTENT


def _name(request: Request) -> Name:
    return Name(request.path["namespace"], request.path["table"])


def _dump(metadata: TableMetadata) -> bytes:
    return metadata.model_dump_json().encode()


def _loaded(metadata: bytes, location: str | None) -> bytes:
    return b'{"metadata-location":' + json.dumps(location).encode() + b',"metadata":' + metadata + b',"config":{}}'


def _make_folders(location: str) -> None:
    """DuckDB writes into a local warehouse without making its folders."""
    if location.startswith(("file://", "/")):
        for folder in ("metadata", "data"):
            Path(location.removeprefix("file://"), folder).mkdir(parents=True, exist_ok=True)
