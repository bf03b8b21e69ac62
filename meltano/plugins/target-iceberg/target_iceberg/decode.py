"""RECORD lines → Arrow, through a msgspec struct built for the stream: one C call decodes thousands of lines into
typed values.

A line that does not fit the struct raises for the whole chunk; `salvage` then finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Self

import msgspec
import pyarrow as pa

from .columns import python_type, to_array
from .salvage import MISFITS
from .singer_types import arrow_type, is_json_text

_NOTHING = msgspec.Raw(b"")


class Lines:
    """RECORD messages of one stream, each a line of JSON."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines

    def __len__(self) -> int:
        return len(self.lines)

    def cut(self, start: int, stop: int) -> Self:
        """The lines from start to stop."""
        return type(self)(self.lines[start:stop])


class RecordDecoder:
    """Decodes the RECORD lines of one stream into a table of its declared columns."""

    def __init__(self, properties: Mapping[str, Mapping[str, Any]]) -> None:
        self.columns = {name: arrow_type(schema) for name, schema in properties.items()}
        self._json_text = {name for name, schema in properties.items() if is_json_text(schema)}
        self._decode = msgspec.json.Decoder(self._message_type()).decode_lines
        self._members = {name: attrgetter(f"c{i}") for i, name in enumerate(self.columns)}

    def table(self, rows: Lines) -> pa.Table:
        """Raises a msgspec or Arrow error if any of the lines does not fit."""
        messages: list[Any] = self._decode(b"\n".join(rows.lines))
        records = [message.record for message in messages]
        arrays = {name: self._column(name, kind, records) for name, kind in self.columns.items()}
        if "_sdc_extracted_at" not in arrays:
            arrays["_sdc_extracted_at"] = _moments([message.time_extracted for message in messages])
        if "_sdc_deleted_at" not in arrays:
            arrays["_sdc_deleted_at"] = _moments([record.sdc_deleted_at for record in records])
        return pa.table(arrays)

    def _column(self, name: str, kind: pa.DataType, records: Sequence[Any]) -> pa.Array:
        try:
            return to_array(list(map(self._members[name], records)), kind, json_text=name in self._json_text)
        except MISFITS as error:
            raise ValueError(f"column {name}: {error}") from error

    def _message_type(self) -> type[msgspec.Struct]:
        fields: list[Any] = []
        for index, (name, kind) in enumerate(self.columns.items()):
            as_text = name in self._json_text
            kept, missing = python_type(kind, json_text=as_text), _NOTHING if as_text else None
            fields.append((f"c{index}", kept, msgspec.field(name=name, default=missing)))
        if "_sdc_deleted_at" not in self.columns:
            fields.append(("sdc_deleted_at", str | None, msgspec.field(name="_sdc_deleted_at", default=None)))
        record = msgspec.defstruct("Record", fields, gc=False)
        return msgspec.defstruct("RecordMessage", [("record", record), ("time_extracted", str | None, None)], gc=False)


def _moments(values: Sequence[str | None]) -> pa.Array:
    return to_array(values, pa.timestamp("us"))


def raw_record(line: bytes) -> tuple[str, dict[str, Any]]:
    """What a rejected line said: the record as JSON text and, as far as it can be read, as values."""
    try:
        message = msgspec.json.decode(line, type=_Loose)
        return bytes(message.record).decode(errors="replace"), msgspec.json.decode(message.record, type=dict[str, Any])
    except msgspec.MsgspecError:
        return line.decode(errors="replace"), {}


class _Loose(msgspec.Struct):
    record: msgspec.Raw
