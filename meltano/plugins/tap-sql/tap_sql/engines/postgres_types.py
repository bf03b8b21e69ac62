"""PostgreSQL types → Singer and Arrow, exactly; the authority on what each type becomes.

numeric(p,s) is a decimal(p,s); numeric without precision, or wider than 38 digits, is text, digit for digit. NaN,
which a decimal cannot hold, and times beyond the years 1 to 9999 (infinity) make their row a reject. char(n) loses
the trailing blanks that SQL ignores anyway. Arrays become JSON text; whatever has no counterpart becomes its
PostgreSQL text.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ..model import Column

MAX_DIGITS = 38
_PLAIN: dict[str, tuple[str, str, pa.DataType]] = {
    "int2": ("integer", "int", pa.int32()),
    "int4": ("integer", "int", pa.int32()),
    "int8": ("integer", "long", pa.int64()),
    "float4": ("number", "float", pa.float32()),
    "float8": ("number", "double", pa.float64()),
    "bool": ("boolean", "boolean", pa.bool_()),
    "bytea": ("string", "binary", pa.binary()),
    "text": ("string", "string", pa.string()),
    "varchar": ("string", "string", pa.string()),
    "name": ("string", "string", pa.string()),
    "date": ("string", "date", pa.date32()),
    "time": ("string", "time", pa.time64("us")),
    "timestamp": ("string", "timestamp", pa.timestamp("us")),
    "timestamptz": ("string", "timestamptz", pa.timestamp("us", "UTC")),
}
_FORMATS = {"date": "date", "time": "time", "timestamp": "date-time", "timestamptz": "date-time"}
_CASTS_DIFFER = ("bpchar", "inet", "cidr")
TEMPORAL = ("date", "timestamp", "timestamptz")


def column(name: str, type_name: str, modifier: int, *, shown: str, is_array: bool, nullable: bool) -> Column:
    """The column for a base type's name and modifier, as pg_attribute has them; `shown` is format_type's text."""
    quoted = quote(name)
    if type_name == "numeric" and (digits := _digits(modifier)):
        kind = pa.decimal128(*digits)
        schema = _schema("number", f"decimal({digits[0]},{digits[1]})")
        return Column(name, shown, schema, f"{quoted}::text", kind, nullable)
    if type_name in _PLAIN and not is_array:
        json_type, iceberg, kind = _PLAIN[type_name]
        # the driver decodes numerics slowly and int2 as int16: text and int4 are cast by the server instead
        expression = f"{quoted}::int4" if type_name == "int2" else quoted
        return Column(name, shown, _schema(json_type, iceberg, _FORMATS.get(type_name)), expression, kind, nullable)
    if type_name == "oid":
        return Column(name, shown, _schema("integer", "long"), f"{quoted}::int8", pa.int64(), nullable)
    made = "to_json({})::text" if is_array else "{}::text"
    # where the cast to text is not the type's own text, the server must make it of the log's text as well
    from_text = made.format(f"v::{shown}") if is_array or type_name in _CASTS_DIFFER else None
    return Column(name, shown, _schema("string", "string"), made.format(quoted), pa.string(), nullable, from_text)


def quote(identifier: str) -> str:
    """A quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def _digits(modifier: int) -> tuple[int, int] | None:
    """Precision and scale as an Iceberg decimal has them, None if none can:

    PostgreSQL also allows negative scales and scales beyond precision.
    """
    if modifier < 0:
        return None
    packed = modifier - 4
    precision, scale = packed >> 16, ((packed & 0x7FF) ^ 1024) - 1024
    precision, scale = (precision - scale, 0) if scale < 0 else (max(precision, scale), scale)
    return (precision, scale) if precision <= MAX_DIGITS else None


def _schema(json_type: str, iceberg: str, form: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["null", json_type], "x-iceberg-type": iceberg}
    return schema | {"format": form} if form else schema
