"""What a catalog that holds an earlier state of a table must be told, for it to hold the present one.

In the words of the REST protocol's table updates, as JSON. Only what readers meet: schemas, partition specs, the
current snapshot and those that led to it since. A sort order is a writer's matter and stays behind.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot, ancestors_of

Update = dict[str, Any]
Shape = TypeVar("Shape", Schema, PartitionSpec)

# The engines that read it may not expire, sweep or purge: the files are this lake's.
KEEP_FILES = {"gc.enabled": "false"}


def updates(theirs: TableMetadata, ours: TableMetadata) -> list[Update] | None:
    """The updates that lead from their metadata to ours, none if nothing differs.

    None instead of a list when no commit can do it: it is another table, or its history was cut too short. Then it has
    to be registered anew.
    """
    new = _new_snapshots(theirs, ours)
    reachable = {snapshot.snapshot_id for snapshot in (*new, *theirs.snapshots)} | {None}
    shapes = _shapes(theirs, ours)
    if theirs.table_uuid != ours.table_uuid or ours.current_snapshot_id not in reachable or shapes is None:
        return None
    found = [*shapes, *({"action": "add-snapshot", "snapshot": _json(snapshot)} for snapshot in new)]
    if ours.current_snapshot_id != theirs.current_snapshot_id:
        main = {"ref-name": "main", "type": "branch", "snapshot-id": ours.current_snapshot_id}
        found.append({"action": "set-snapshot-ref", **main})
    if gone := _expired(theirs, ours):
        found.append({"action": "remove-snapshots", "snapshot-ids": gone})
    if theirs.properties.get("gc.enabled") != "false":
        found.append({"action": "set-properties", "updates": KEEP_FILES})
    return found


def _new_snapshots(theirs: TableMetadata, ours: TableMetadata) -> list[Snapshot]:
    """Those that led to the current one and are later than anything they ever had, the oldest first."""
    current = ours.current_snapshot()
    known = {snapshot.snapshot_id for snapshot in theirs.snapshots}
    latest = getattr(theirs, "last_sequence_number", 0)  # the first version of the format had none
    led = itertools.takewhile(lambda one: one.snapshot_id not in known, ancestors_of(current, ours) if current else ())
    return [one for one in reversed(list(led)) if (one.sequence_number or 0) > latest]


def _expired(theirs: TableMetadata, ours: TableMetadata) -> list[int]:
    """What expired here and is history there; the files may be gone, so nobody should be led to them."""
    kept = {snapshot.snapshot_id for snapshot in ours.snapshots} | {theirs.current_snapshot_id}
    return sorted(snapshot.snapshot_id for snapshot in theirs.snapshots if snapshot.snapshot_id not in kept)


def _shapes(theirs: TableMetadata, ours: TableMetadata) -> list[Update] | None:
    """New schemas and specs, by the numbers they have here: a catalog numbers them on, so these must follow."""
    schemas = _following({one.schema_id for one in theirs.schemas}, ours.schemas, lambda one: one.schema_id)
    specs = _following({one.spec_id for one in theirs.partition_specs}, ours.partition_specs, lambda one: one.spec_id)
    if schemas is None or specs is None:
        return None
    found: list[Update] = [
        # The protocol does without the last id since 1.8; servers from before insist on it.
        {"action": "add-schema", "schema": _json(one), "last-column-id": ours.last_column_id}
        for one in schemas
    ]
    if ours.current_schema_id != theirs.current_schema_id:
        found.append({"action": "set-current-schema", "schema-id": ours.current_schema_id})
    found += [{"action": "add-spec", "spec": _json(one)} for one in specs]
    if ours.default_spec_id != theirs.default_spec_id:
        found.append({"action": "set-default-spec", "spec-id": ours.default_spec_id})
    return found


def _following(known: set[int], all_of: Iterable[Shape], number: Callable[[Shape], int]) -> list[Shape] | None:
    """Those that are not known, in the order of their numbers; None if the numbers do not follow the known ones."""
    new = sorted((one for one in all_of if number(one) not in known), key=number)
    expected = range(max(known, default=-1) + 1, max(known, default=-1) + 1 + len(new))
    return new if [number(one) for one in new] == list(expected) else None


def _json(one: Snapshot | Schema | PartitionSpec) -> Any:
    return json.loads(one.model_dump_json())
