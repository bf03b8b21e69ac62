"""A rebuilt table fits its predecessor: the authority on which ids its columns and partitions get.

dbt builds `x__dbt_tmp` and puts its files onto `x`. For that to be one ordinary Iceberg snapshot, with history and time
travel kept, the files must be written with `x`'s own field ids and partition spec ids from the start. So a successor's
metadata is derived from its predecessor's: a column of the same name and type keeps its id, any other gets one never
used before.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable

from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.table.metadata import TableMetadata, TableMetadataV2
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.typedef import Properties

PREDECESSOR = "lake.predecessor"  # property: the metadata file of the table as it was when the building began


def successor(
    predecessor: TableMetadata, location: str, schema: Schema, spec: PartitionSpec, properties: Properties
) -> TableMetadata:
    """Metadata of an empty table whose files will fit the predecessor, which stands at `location`.

    `schema` and `spec` come with ids of the requester's choosing, which only tie them to one another.
    """
    fitted = _fit_schema(predecessor, schema)
    partitioning = _fit_spec(predecessor, spec, schema, fitted)
    return TableMetadataV2(
        location=predecessor.location,
        table_uuid=uuid.uuid4(),
        last_column_id=max(predecessor.last_column_id, fitted.highest_field_id),
        schemas=[fitted],
        current_schema_id=fitted.schema_id,
        partition_specs=[partitioning],
        default_spec_id=partitioning.spec_id,
        sort_orders=[UNSORTED_SORT_ORDER],  # DuckDB crashes on an empty list
        default_sort_order_id=UNSORTED_SORT_ORDER.order_id,
        last_partition_id=max(predecessor.last_partition_id or 999, partitioning.last_assigned_field_id),
        properties={**properties, PREDECESSOR: location},
    )


def same_columns(one: Schema, other: Schema) -> bool:
    """Whether files of one schema are files of the other: names, types and ids."""
    return one.as_struct() == other.as_struct()


def _fit_schema(predecessor: TableMetadata, schema: Schema) -> Schema:
    unused = itertools.count(predecessor.last_column_id + 1)
    fresh = assign_fresh_schema_ids(schema, lambda: next(unused))
    known = {field.name: field for field in predecessor.schema().fields}
    fields = [
        known[field.name]
        if field.name in known and field.field_type.is_primitive and known[field.name].field_type == field.field_type
        else field
        for field in fresh.fields
    ]
    return Schema(*fields, schema_id=0)  # DuckDB looks for the schema it asked for under its own number


def _fit_spec(predecessor: TableMetadata, spec: PartitionSpec, asked: Schema, fitted: Schema) -> PartitionSpec:
    wanted = [(fitted.find_field(asked.find_column_name(f.source_id) or "").field_id, f) for f in spec.fields]
    shape = [(source_id, str(field.transform)) for source_id, field in wanted]
    for existing in predecessor.partition_specs:
        if [(f.source_id, str(f.transform)) for f in existing.fields] == shape:
            return existing
    known = {(f.source_id, str(f.transform)): f for old in predecessor.partition_specs for f in old.fields}
    unused = itertools.count((predecessor.last_partition_id or 999) + 1)
    fields = [
        known.get((source_id, str(field.transform)))
        or PartitionField(source_id=source_id, field_id=next(unused), transform=field.transform, name=field.name)
        for source_id, field in wanted
    ]
    return PartitionSpec(*fields, spec_id=_next_id(existing.spec_id for existing in predecessor.partition_specs))


def _next_id(used: Iterable[int]) -> int:
    return max(used, default=-1) + 1
