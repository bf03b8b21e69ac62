"""What a stream is declared to be: the authority on its columns, their canonical types and the files it is read from.

A file says nothing reliable about its types, so the types are declared in `meltano.yml` and checked against every
line. The canonical types are those of the lake (Iceberg's names); `json` keeps a nested value as the text that stood
in the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tap_files.errors import FilesError
from tap_files.settings import StreamSettings

SOURCE_FILE = "_sdc_source_file"
SOURCE_LINE = "_sdc_source_lineno"

_DECIMAL = re.compile(r"decimal\((\d{1,2}),(\d{1,2})\)")
_KINDS = ("string", "json", "int", "long", "double", "boolean", "date", "timestamp", "timestamptz")
_JSON_SCHEMA: dict[str, dict[str, Any]] = {
    "int": {"type": ["null", "integer"]},
    "long": {"type": ["null", "integer"]},
    "double": {"type": ["null", "number"]},
    "boolean": {"type": ["null", "boolean"]},
    "date": {"type": ["null", "string"], "format": "date"},
    "timestamp": {"type": ["null", "string"], "format": "date-time"},
    "timestamptz": {"type": ["null", "string"], "format": "date-time"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column; `kind` is the declared type without its arguments."""

    name: str
    type: str
    kind: str
    precision: int = 0
    scale: int = 0

    @property
    def iceberg_type(self) -> str:
        """The lake's type of this column."""
        return "string" if self.kind == "json" else self.type

    @property
    def json_schema(self) -> dict[str, Any]:
        """The property of the Singer SCHEMA message, annotated so that the target need not guess."""
        base = {"type": ["null", "number"]} if self.kind == "decimal" else _JSON_SCHEMA.get(self.kind)
        return {**(base or {"type": ["null", "string"]}), "x-iceberg-type": self.iceberg_type}


@dataclass(frozen=True, slots=True)
class Declaration:
    """One stream as declared: name, files (a glob under the tap's folder), format, columns, keys."""

    name: str
    files: str
    format: str
    columns: tuple[Column, ...]
    key_properties: tuple[str, ...]
    replication_method: str
    customer_column: str | None
    delimiter: str

    @property
    def full_table(self) -> bool:
        """Whether each run replaces the table."""
        return self.replication_method == "FULL_TABLE"

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The declared columns and the two that say where a row stood."""
        return (*self.columns, column(SOURCE_FILE, "string"), column(SOURCE_LINE, "long"))

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the stream."""
        return {"type": "object", "properties": {c.name: c.json_schema for c in self.all_columns}}


def column(name: str, declared: str) -> Column:
    """A column from its declared type; raises FilesError naming the types there are."""
    text = declared.replace(" ", "")
    if match := _DECIMAL.fullmatch(text):
        precision, scale = int(match[1]), int(match[2])
        if 1 <= precision <= 38 and scale <= precision:
            return Column(name, text, "decimal", precision, scale)
    elif text in _KINDS:
        return Column(name, text, text)
    raise FilesError(
        f"column {name} is declared as {declared!r}, which is no type here. "
        f"Next: use one of {', '.join(_KINDS)} or decimal(precision,scale) in meltano.yml"
    )


def declaration(stream: StreamSettings) -> Declaration:
    """A stream from its settings; raises FilesError for a key that is no column."""
    for name in (*stream.key_properties, *filter(None, [stream.customer_column])):
        if name not in stream.columns:
            raise FilesError(f"stream {stream.name}: {name} is used as a key but is not declared under columns")
    return Declaration(
        name=stream.name,
        files=stream.files,
        format=stream.format,
        columns=tuple(column(name, declared) for name, declared in stream.columns.items()),
        key_properties=tuple(stream.key_properties),
        replication_method=stream.replication_method,
        customer_column=stream.customer_column,
        delimiter=stream.delimiter,
    )
