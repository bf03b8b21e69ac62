"""A tap over a folder, run in this process; what it sends is collected and its batches are read back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from tap_files.declaration import Declaration, declaration
from tap_files.messages import Messages
from tap_files.settings import StreamSettings, parse_settings
from tap_files.sync import sync

EVENTS = {
    "name": "web-events",
    "files": "**/*.jsonl*",
    "format": "jsonl",
    "key_properties": ["event_id"],
    "customer_column": "user_id",
    "columns": {"event_id": "string", "user_id": "long", "timestamp": "timestamp", "properties": "json"},
}
PEOPLE = {
    "name": "crm-people",
    "files": "*.csv*",
    "format": "csv",
    "key_properties": ["id"],
    "replication_method": "FULL_TABLE",
    "columns": {"id": "string", "name": "string", "income": "string"},
}


class Sent:
    """The messages of one run."""

    def __init__(self, output: bytes) -> None:
        self.messages: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def rejects(self) -> list[dict[str, Any]]:
        return [message["record"] for message in self.of("RECORD") if message["stream"] == "quality-rejects"]

    @property
    def rows(self) -> list[dict[str, Any]]:
        files = [Path(path.removeprefix("file://")) for message in self.of("BATCH") for path in message["manifest"]]
        return pa.concat_tables([pa.ipc.open_file(file).read_all() for file in files]).to_pylist() if files else []

    @property
    def state(self) -> dict[str, Any]:
        return self.of("STATE")[-1]["value"]


def declared(stream: dict[str, Any]) -> Declaration:
    """The declaration of a stream's settings."""
    return declaration(msgspec.convert(stream, StreamSettings))


Run = Callable[..., Sent]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run(stream, state=None, **settings)` runs the tap over `tmp_path/in`."""

    def run(stream: dict[str, Any], state: dict[str, Any] | None = None, **settings: Any) -> Sent:
        output = io.BytesIO()
        config = {"path": str(tmp_path / "in"), "stage_dir": str(tmp_path / "stage"), "streams": [stream], **settings}
        sync(parse_settings(config), {}, state or {}, Messages(output))
        return Sent(output.getvalue())

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """`write("2017-01-01/00.jsonl", b"...")` appends bytes to a source file."""

    def write(name: str, content: bytes) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(content)
        return path

    return write
