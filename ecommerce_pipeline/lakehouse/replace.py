"""A rebuilt table takes its predecessor's place in one snapshot: the authority on replacing tables.

The new files are not read or written again: the snapshot that built `x__dbt_tmp` becomes the next snapshot of `x`, with
its manifests, and one metadata file is all that is written. Readers see the old table or the new one, the history
stays, and a column that came or went is a schema change within the same commit.
"""

from __future__ import annotations

import uuid

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError
from pyiceberg.manifest import write_manifest_list
from pyiceberg.table import CommitTableRequest, Table, TableIdentifier
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import (
    AddPartitionSpecUpdate,
    AddSchemaUpdate,
    AddSnapshotUpdate,
    AssertRefSnapshotId,
    AssertTableUUID,
    SetCurrentSchemaUpdate,
    SetDefaultSpecUpdate,
    SetSnapshotRefUpdate,
    TableUpdate,
)
from pyiceberg.typedef import Identifier

from ecommerce_pipeline.lakehouse import pointers
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.lakehouse.rest_door.commits import commit
from ecommerce_pipeline.lakehouse.rest_door.shelf import Shelf
from ecommerce_pipeline.lakehouse.succession import PREDECESSOR, same_columns

_LAST_ASSIGNED = -1  # Iceberg's way of saying "the one this commit added"


def replace(shelf: Shelf, successor: Name, target: Name) -> str:
    """Put `successor`'s rows in `target`'s place and unregister it; returns "created" or "replaced".

    Raises CommitFailedException when the target was changed meanwhile; both tables are then as they were.
    """
    catalog = shelf.writable()
    new = catalog.load_table(tuple(successor))
    try:
        old = catalog.load_table(tuple(target))
    except NoSuchTableError:
        catalog.rename_table(tuple(successor), tuple(target))
        return "created"
    _check_predecessor(new, old, target)
    snapshot = _next_snapshot(new, old)
    request = CommitTableRequest(
        identifier=TableIdentifier(namespace=[target.namespace], name=target.table),
        requirements=(
            AssertTableUUID(uuid=old.metadata.table_uuid),
            AssertRefSnapshotId(ref="main", snapshot_id=old.metadata.current_snapshot_id),
        ),
        updates=(*_reshape(new, old), *_advance(snapshot)),
    )
    commit(shelf, [(target, request)])
    _unregister(catalog, successor)
    return "replaced"


def _check_predecessor(new: Table, old: Table, target: Name) -> None:
    if new.properties.get(PREDECESSOR) != old.metadata_location:
        raise CommitFailedException(
            f"{target} was changed by somebody else while it was rebuilt; it is as they left it. "
            "Next: run the model again"
        )


def _next_snapshot(new: Table, old: Table) -> Snapshot:
    source = new.current_snapshot()
    before = old.current_snapshot()
    snapshot_id = source.snapshot_id if source else old.metadata.new_snapshot_id()
    return Snapshot(
        snapshot_id=snapshot_id,
        parent_snapshot_id=before.snapshot_id if before else None,
        sequence_number=old.metadata.next_sequence_number(),
        timestamp_ms=max(pointers.now_ms(), old.metadata.last_updated_ms),
        manifest_list=source.manifest_list if source else _empty_manifest_list(old, snapshot_id),
        summary=_summary(source, before),
        schema_id=_schema_id(new, old),
    )


def _summary(source: Snapshot | None, before: Snapshot | None) -> Summary:
    after = dict(source.summary.additional_properties) if source and source.summary else {}
    previous = before.summary.additional_properties if before and before.summary else {}
    totals = {key: value for key, value in after.items() if not key.startswith(("deleted-", "removed-"))}
    for key in ("total-records", "total-data-files", "total-delete-files", "total-position-deletes"):
        totals.setdefault(key, "0")
    return Summary(
        Operation.OVERWRITE,
        **totals,
        **{
            "deleted-records": previous.get("total-records", "0"),
            "deleted-data-files": previous.get("total-data-files", "0"),
        },
    )


def _reshape(new: Table, old: Table) -> tuple[TableUpdate, ...]:
    updates: list[TableUpdate] = []
    if (known := _schema_id(new, old)) not in old.schemas():
        updates.append(AddSchemaUpdate(schema_=new.schema().model_copy(update={"schema_id": known})))
        updates.append(SetCurrentSchemaUpdate(schema_id=_LAST_ASSIGNED))
    elif known != old.metadata.current_schema_id:
        updates.append(SetCurrentSchemaUpdate(schema_id=known))
    if new.spec().spec_id not in old.specs():
        updates.append(AddPartitionSpecUpdate(spec=new.spec()))
        updates.append(SetDefaultSpecUpdate(spec_id=_LAST_ASSIGNED))
    elif new.spec().spec_id != old.metadata.default_spec_id:
        updates.append(SetDefaultSpecUpdate(spec_id=new.spec().spec_id))
    return tuple(updates)


def _schema_id(new: Table, old: Table) -> int:
    for schema in old.metadata.schemas:
        if same_columns(schema, new.schema()):
            return schema.schema_id
    return max(schema.schema_id for schema in old.metadata.schemas) + 1


def _advance(snapshot: Snapshot) -> tuple[TableUpdate, ...]:
    main = SetSnapshotRefUpdate.model_validate(
        {"ref-name": "main", "type": "branch", "snapshot-id": snapshot.snapshot_id}
    )
    return (AddSnapshotUpdate(snapshot=snapshot), main)


def _empty_manifest_list(old: Table, snapshot_id: int) -> str:
    """A table rebuilt with no rows still needs a snapshot, or the old rows would stay."""
    location = old.location_provider().new_metadata_location(f"snap-{snapshot_id}-0-{uuid.uuid4()}.avro")
    with write_manifest_list(
        format_version=2,
        output_file=old.io.new_output(location),
        snapshot_id=snapshot_id,
        parent_snapshot_id=old.metadata.current_snapshot_id,
        sequence_number=old.metadata.next_sequence_number(),
        avro_compression="deflate",
    ):
        return location


def _unregister(catalog: SqlCatalog, name: Name) -> None:
    identifier: Identifier = tuple(name)
    catalog.drop_table(identifier)
