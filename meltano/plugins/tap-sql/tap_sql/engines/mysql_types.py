"""MySQL types → Singer and Arrow, exactly; the authority on what each type becomes.

decimal(p,s) stays what it is up to 38 digits, beyond it is text. tinyint(1) is MySQL's boolean. bigint unsigned is a
decimal(20,0), because no integer of the lake holds it. datetime and timestamp are times without zone as the server
shows them in UTC. json, enum, set, bit, time (which may exceed a day) and geometry are text.
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
    "float": ("number", "double", None, "cast({} as double)", pa.float64()),
    "double": ("number", "double", None, "{}", pa.float64()),
    "date": ("string", "date", "date", "cast({} as char)", pa.date32()),
    "datetime": ("string", "timestamp", "date-time", "cast({} as char)", pa.timestamp("us")),
    "timestamp": ("string", "timestamp", "date-time", "cast({} as char)", pa.timestamp("us")),
}
_TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"}
_BINARIES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}


def column(row: Mapping[str, Any]) -> Column:
    """The column for a row of information_schema.columns."""
    kind, shown, quoted = row["type_name"].lower(), row["shown"].lower(), quote(row["column_name"])
    schema, expression, arrow = _mapped(kind, shown, quoted, row)
    return Column(row["column_name"], shown, schema, expression, arrow, row["nullable"] == "YES")


def quote(identifier: str) -> str:
    """A quoted identifier."""
    return "`" + identifier.replace("`", "``") + "`"


def _mapped(kind: str, shown: str, quoted: str, row: Mapping[str, Any]) -> tuple[dict[str, Any], str, pa.DataType]:
    text = f"cast({quoted} as char)"
    if shown.startswith("tinyint(1)"):
        return _schema("boolean", "boolean"), f"cast({quoted} as signed)", pa.bool_()
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
