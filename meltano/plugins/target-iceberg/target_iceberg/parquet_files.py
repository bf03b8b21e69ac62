"""How the table's Parquet files are written: column types, order of rows, compression and dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata


def sort_keys(metadata: TableMetadata) -> list[tuple[str, str]]:
    """The table's sort order as Arrow takes it: rows are sorted by row groups, as far as it names whole columns."""
    from pyiceberg.table.sorting import SortDirection
    from pyiceberg.transforms import IdentityTransform

    order, keys = metadata.sort_order_by_id(metadata.default_sort_order_id), []
    for field in order.fields if order else ():
        name = metadata.schema().find_column_name(field.source_id)
        if name is None or not isinstance(field.transform, IdentityTransform):
            break
        keys.append((name, "descending" if field.direction == SortDirection.DESC else "ascending"))
    return keys


def writer_options(schema: pa.Schema, properties: dict[str, str]) -> dict[str, Any]:
    """Dictionaries for text and for the constants of a commit only:

    for numbers and times they cost more than they save.
    """
    codec = properties.get("write.parquet.compression-codec", "zstd")
    level = properties.get("write.parquet.compression-level")
    texts = [f.name for f in schema if pa.types.is_string(f.type) or f.name.startswith("_sdc_")]
    return {
        "compression": codec,
        "compression_level": None if level is None else int(level),
        "use_dictionary": [name for name in texts if name != "_sdc_sequence"] or False,
    }


def with_plain_strings(field: pa.Field) -> pa.Field:
    """The field with its id and without large strings, which would cost a copy of every text column."""
    kind = field.type
    if pa.types.is_large_string(kind):
        kind = pa.string()
    elif pa.types.is_large_binary(kind):
        kind = pa.binary()
    elif pa.types.is_struct(kind):
        kind = pa.struct([with_plain_strings(child) for child in kind])
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = pa.list_(with_plain_strings(kind.value_field))
    return pa.field(field.name, kind, nullable=field.nullable, metadata=field.metadata)


def under_names_of(schema: pa.Schema, rows: pa.Table) -> pa.Table:
    """The same columns under the names of a schema of the same types, without a copy."""
    if rows.schema.equals(schema):
        return rows
    columns = [
        pa.chunked_array(
            [chunk.view(field.type) for chunk in column.chunks], field.type
        )  # a cast nulls renamed members
        for column, field in zip(rows.columns, schema, strict=True)
    ]
    return pa.table(columns, schema=schema)
