"""JSON schema → Arrow: the authority on which type a Singer property gets in a table.

The annotation `x-iceberg-type` is honoured first, because JSON schema cannot say decimal(12,2) or a timestamp without
zone. Everything without one follows the ordinary mapping. Arrow is the one type language here: PyIceberg derives its
own from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from .errors import LoadError

JsonSchema = Mapping[str, Any]
MAX_DECIMAL = 38

_SIMPLE: dict[str, pa.DataType] = {
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}
_FORMATS = {"date-time": "timestamptz", "date": "date", "time": "time"}
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")


def arrow_type(schema: JsonSchema) -> pa.DataType:
    """The Arrow type of a property; raises LoadError for an annotation that is no Iceberg type."""
    annotation = schema.get("x-iceberg-type")
    if annotation is not None:
        return _annotated(str(annotation), schema)
    plain = _without_null(schema)
    names = json_types(plain)
    if len(names) != 1:
        return pa.string()  # mixed or unknown: kept as JSON text
    return _by_json_type(names[0], plain)


def is_json_text(schema: JsonSchema) -> bool:
    """Whether the property is kept as the JSON text it came as: objects, arrays, mixed types that nothing declares."""
    if not pa.types.is_string(arrow_type(schema)):
        return False
    return json_types(_without_null(schema)) != ["string"]


def json_types(schema: JsonSchema) -> list[str]:
    """The property's JSON types but null, in the order they are declared."""
    declared = schema.get("type", [])
    names = [declared] if isinstance(declared, str) else list(declared)
    return [name for name in names if name != "null"]


def _without_null(schema: JsonSchema) -> JsonSchema:
    """The schema itself, or the single non-null branch of its anyOf/oneOf."""
    for keyword in ("anyOf", "oneOf"):
        branches = [branch for branch in schema.get(keyword, []) if json_types(branch)]
        if branches:
            return branches[0] if len(branches) == 1 else {}
    return schema


def _by_json_type(name: str, schema: JsonSchema) -> pa.DataType:
    if name == "string":
        return _SIMPLE[_FORMATS.get(str(schema.get("format")), "string")]
    if name == "number":
        return _number(schema)
    return {"integer": pa.int64(), "boolean": pa.bool_()}.get(name, pa.string())


def _number(schema: JsonSchema) -> pa.DataType:
    step = schema.get("multipleOf")
    if step is None:
        return pa.float64()
    exponent = Decimal(str(step)).normalize().as_tuple().exponent
    return pa.decimal128(MAX_DECIMAL, max(0, -int(exponent)))


def _annotated(annotation: str, schema: JsonSchema) -> pa.DataType:
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if annotation == "struct":
        return pa.struct([pa.field(name, arrow_type(item)) for name, item in schema.get("properties", {}).items()])
    if annotation == "list":
        return pa.list_(arrow_type(schema.get("items", {})))
    match = _DECIMAL.fullmatch(annotation)
    if match and 1 <= int(match[1]) <= MAX_DECIMAL and int(match[2]) <= int(match[1]):
        return pa.decimal128(int(match[1]), int(match[2]))
    known = ", ".join(sorted(_SIMPLE))
    raise LoadError(
        f"target-iceberg: x-iceberg-type {annotation!r} is no type a table can have. Next: use one of {known}, "
        "struct, list, "
        f"or decimal(p,s) with p up to {MAX_DECIMAL} and s up to p"
    )
