"""How a table's schema follows its stream: by union, never by loss.

A new column is added; a column that disappears stays and is NULL from then on; a type may widen where Iceberg can
promote it without rewriting a file (int → long, float → double, more decimal digits), and a narrower one goes into
the column as it is. Any other change stops the run before a row is written, or begins a column of its own
(`retyping`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from .errors import IncompatibleTypeError, LoadError
from .exact_types import holding_both

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Transaction

SDC_FIELDS = (
    pa.field("_sdc_commit_seq", pa.int64()),
    pa.field("_sdc_sequence", pa.int64()),
    pa.field("_sdc_extracted_at", pa.timestamp("us")),
    pa.field("_sdc_batched_at", pa.timestamp("us")),
    pa.field("_sdc_deleted_at", pa.timestamp("us")),
    pa.field("_sdc_run_id", pa.string()),
)
SDC_NAMES = frozenset(field.name for field in SDC_FIELDS)


def table_columns(data: pa.Schema, place: str) -> pa.Schema:
    """A new table's columns:

    the stream's own, then the loader's. Raises LoadError for names that differ in case only.
    """
    fields = [field for field in data if field.name not in SDC_NAMES]
    _refuse_twins(fields, place)
    return pa.schema([*fields, *SDC_FIELDS])


def _refuse_twins(fields: Iterable[pa.Field], place: str) -> None:
    seen: dict[str, str] = {}
    for field in fields:
        twin = seen.setdefault(field.name.lower(), field.name)
        if twin != field.name:
            raise LoadError(
                f"{place}: columns {twin!r} and {field.name!r} differ in case only, which SQL engines cannot tell "
                "apart. Next: deselect or rename one of them in the source; if it was renamed there, rename the "
                f"table's column too: alter table {place} rename column …"
            )


def missing_or_wider(existing: pa.Schema, incoming: pa.Schema, place: str) -> pa.Schema:
    """The columns of `incoming` that the table lacks or must widen for.

    Raises IncompatibleTypeError if no widening is exact.
    """
    changed = []
    for field in incoming:
        position = existing.get_field_index(field.name)
        if position < 0:
            changed.append(field)
            continue
        merged = merged_type(existing.field(position).type, field, place)
        if merged != existing.field(position).type:
            changed.append(pa.field(field.name, merged))
    _refuse_twins([*existing, *changed], place)
    return pa.schema(changed)


def merged_type(existing: pa.DataType, incoming: pa.Field, place: str) -> pa.DataType:
    """The type that holds what the column has and what comes; raises IncompatibleTypeError if none does exactly."""
    return _merge(existing, incoming.type, incoming.name, place)


def evolve(transaction: Transaction, changes: list[pa.Schema]) -> None:
    """Apply the changes in order; the same order always gives the same field ids."""
    for change in changes:
        if len(change):
            with transaction.update_schema() as update:
                update.union_by_name(change)


def plain_arrow_schema(schema: Schema) -> pa.Schema:
    """The table's columns in Arrow with ordinary strings and without field ids."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    return pa.schema([pa.field(f.name, _plain(f.type)) for f in schema_to_pyarrow(schema, include_field_ids=False)])


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_large_binary(kind):
        return pa.binary()
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    return kind


def _merge(old: pa.DataType, new: pa.DataType, column: str, place: str) -> pa.DataType:
    """The type that holds both exactly."""
    if pa.types.is_struct(old) and pa.types.is_struct(new):
        return _merge_structs(old, new, column, place)
    if pa.types.is_list(old) and pa.types.is_list(new):
        return pa.list_(_merge(old.value_type, new.value_type, f"{column}[]", place))
    merged = holding_both(old, new)
    if merged is not None:
        return merged
    raise IncompatibleTypeError(
        f"{place}: column {column!r} is {old} in the table and {new} in the source, and no exact conversion exists. "
        "Nothing was written. Next: set on_type_change to new_column, and the new values go to a column of their own; "
        f"or cast the column back in the source, or deselect it (select: !<stream>.{column})"
    )


def _merge_structs(old: pa.StructType, new: pa.StructType, column: str, place: str) -> pa.DataType:
    fields = {field.name: field.type for field in old}
    for field in new:
        known = fields.get(field.name)
        path = f"{column}.{field.name}"
        fields[field.name] = field.type if known is None else _merge(known, field.type, path, place)
    return pa.struct(list(fields.items()))
