"""What a stream is declared to be: the authority on its columns and on how HubSpot's texts become their values.

HubSpot gives every property as a string. A value that does not read as its declared type is passed on as the text it
is: the target finds that it does not fit and keeps the record as a reject, with reason and key, so nothing is dropped
or guessed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tap_hubspot.api import HubspotObject
from tap_hubspot.errors import HubspotError
from tap_hubspot.settings import StreamSettings

_TIME = {"type": ["null", "string"], "format": "date-time"}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "string": {"type": ["null", "string"]},
    "int": {"type": ["null", "integer"]},
    "long": {"type": ["null", "integer"]},
    "double": {"type": ["null", "number"]},
    "decimal": {"type": ["null", "number"]},
    "boolean": {"type": ["null", "boolean"]},
    "date": {"type": ["null", "string"], "format": "date"},
    "timestamp": _TIME,
}
_OWN = {"created_at": "timestamp", "updated_at": "timestamp", "archived": "boolean"}
_INTEGER = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Declaration:
    """One stream as declared: object type, typed properties, how it is replicated."""

    name: str
    object_type: str
    properties: Mapping[str, str]
    full_table: bool
    modified_property: str

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the stream, annotated with the lake's types."""
        columns = {"id": "string", **self.properties, **_OWN}
        return {"type": "object", "properties": {name: _property(name, kind) for name, kind in columns.items()}}

    def record(self, found: HubspotObject) -> dict[str, Any]:
        """The object as a row."""
        row: dict[str, Any] = {"id": found.id}
        for name, kind in self.properties.items():
            value = found.properties.get(name)
            row[name] = value if value is None else _READERS.get(kind.partition("(")[0], _as_is)(value)
        return row | {"created_at": found.created_at, "updated_at": found.updated_at, "archived": found.archived}


def declaration(stream: StreamSettings) -> Declaration:
    """A stream from its settings; raises HubspotError for an unknown type or a name that is taken."""
    for name, kind in stream.properties.items():
        _property(name, kind)
        if name in ("id", *_OWN):
            raise HubspotError(f"stream {stream.name}: the property {name} has the name of a column every object has")
    return Declaration(
        name=stream.name,
        object_type=stream.object_type,
        properties=stream.properties,
        full_table=stream.replication_method == "FULL_TABLE",
        modified_property=stream.modified_property,
    )


def _property(name: str, declared: str) -> dict[str, Any]:
    kind = declared.partition("(")[0]
    if kind not in _SCHEMAS:
        raise HubspotError(f"property {name} is declared as {declared!r}. Next: use one of {', '.join(_SCHEMAS)}")
    return {**_SCHEMAS[kind], "x-iceberg-type": declared.replace(" ", "")}


def _as_is(text: str) -> str:
    return text


def _whole(text: str) -> int | str | None:
    return int(text) if _INTEGER.fullmatch(text) else text or None


def _real(text: str) -> float | str | None:
    return float(text) if _NUMBER.fullmatch(text) else text or None


def _truth(text: str) -> bool | str | None:
    return {"true": True, "false": False}.get(text, text or None)


def _or_null(text: str) -> str | None:
    """HubSpot shows a cleared property as an empty text, which only a string column can hold."""
    return text or None


_READERS: dict[str, Callable[[str], Any]] = {
    "int": _whole,
    "long": _whole,
    "double": _real,
    "decimal": _or_null,
    "boolean": _truth,
    "date": _or_null,
    "timestamp": _or_null,
}
