"""MySQL types → Singer and Arrow, exactly; the authority on what each type becomes.

decimal(p,s) stays what it is up to 38 digits, beyond it is text. tinyint(1) is MySQL's boolean. bigint unsigned is a
decimal(20,0), because no integer of the lake holds it. datetime is a time without zone as it stands, timestamp the
same in UTC. Geometry is its well-known binary. bit is its digits; json, enum, set and time (which may exceed a day)
are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ..model import Column

MAX_DIGITS = 38
TEMPORAL = ("date", "timestamp")
_INTEGERS = {"tinyint": "int", "smallint": "int", "mediumint": "int", "int": "int", "bigint": "long", "year": "int"}
_PLAIN: dict[str, tuple[str, str, str | None, str, pa.DataType]] = {
    "float": ("number", "float", None, "{}", pa.float32()),
    "double": ("number", "double", None, "{}", pa.float64()),
    "date": ("string", "date", "date", "cast({} as char)", pa.date32()),
    "datetime": ("string", "timestamp", "date-time", "cast({} as char)", pa.timestamp("us")),
    "timestamp": ("string", "timestamp", "date-time", "cast({} as char)", pa.timestamp("us")),
}
_TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"}
_BINARIES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
_SHAPES = {"point", "linestring", "polygon"}
_GEOMETRIES = {*_SHAPES, *(f"multi{shape}" for shape in _SHAPES), "geometry", "geometrycollection", "geomcollection"}


def column(row: Mapping[str, Any], *, tinyint1_is_boolean: bool) -> Column:
    """The column for a row of information_schema.columns."""
    kind, shown, quoted = row["type_name"].lower(), row["shown"].lower(), quote(row["column_name"])
    if tinyint1_is_boolean and shown.startswith("tinyint(1)"):
        schema, expression, arrow = _schema("boolean", "boolean"), f"cast({quoted} as signed)", pa.bool_()
    else:
        schema, expression, arrow = _mapped(kind, shown, quoted, row)
    return Column(row["column_name"], shown, schema, expression, arrow, row["nullable"] == "YES")


def quote(identifier: str) -> str:
    """A quoted identifier."""
    return "`" + identifier.replace("`", "``") + "`"


def _mapped(kind: str, shown: str, quoted: str, row: Mapping[str, Any]) -> tuple[dict[str, Any], str, pa.DataType]:
    text = f"cast({quoted} as char)"
    if kind in _INTEGERS:
        return _integer(kind, shown, quoted, text)
    if kind == "decimal" and row["digits"] <= MAX_DIGITS:
        digits, scale = int(row["digits"]), int(row["scale"])
        return _schema("number", f"decimal({digits},{scale})"), text, pa.decimal128(digits, scale)
    if kind in _PLAIN:
        json_type, iceberg, form, cast, arrow = _PLAIN[kind]
        return _schema(json_type, iceberg, form), cast.format(quoted), arrow
    if kind in _BINARIES:
        return _schema("string", "binary"), quoted, pa.binary()
    if kind in _GEOMETRIES:
        return _schema("string", "binary"), f"st_aswkb({quoted})", pa.binary()
    if kind == "bit":
        text = f"lpad(bin({quoted} + 0), {int(row['digits'])}, '0')"
    return _schema("string", "string"), quoted if kind in _TEXTS else text, pa.string()


def _integer(kind: str, shown: str, quoted: str, text: str) -> tuple[dict[str, Any], str, pa.DataType]:
    if "unsigned" not in shown:
        wide = _INTEGERS[kind] == "long"
        return _schema("integer", _INTEGERS[kind]), f"cast({quoted} as signed)", pa.int64() if wide else pa.int32()
    if kind == "bigint":
        return _schema("number", "decimal(20,0)"), text, pa.decimal128(20, 0)
    return _schema("integer", "long"), f"cast({quoted} as signed)", pa.int64()


def _schema(json_type: str, iceberg: str, form: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": ["null", json_type], "x-iceberg-type": iceberg}
    return schema | {"format": form} if form else schema
