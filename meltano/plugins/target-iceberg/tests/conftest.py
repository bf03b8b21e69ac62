"""A real Iceberg lake in a temporary folder, and the loader run in this process or in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from target_iceberg.loader import Loader
from target_iceberg.settings import parse_settings

Message = dict[str, Any]
COLUMNS = {
    "order_id": {"type": ["null", "integer"], "x-iceberg-type": "long"},
    "total": {"type": ["null", "number"], "x-iceberg-type": "decimal(12,2)"},
    "status": {"type": ["null", "string"]},
}


@dataclass
class Lake:
    folder: Path
    emitted: list[Any] = field(default_factory=list)

    @property
    def properties(self) -> dict[str, str]:
        return {
            "type": "sql",
            "uri": f"sqlite:///{self.folder}/catalog.db",
            "warehouse": f"file://{self.folder}/warehouse",
        }

    @property
    def catalog(self) -> SqlCatalog:
        return SqlCatalog("lake", **self.properties)

    @property
    def config(self) -> dict[str, Any]:
        return {"catalog_properties": self.properties, "default_target_schema": "raw_shop"}

    def load(self, messages: Sequence[Message | bytes], **settings: Any) -> None:
        self.load_lines([line(message) for message in messages], **settings)

    def load_lines(self, lines: Iterable[bytes], **settings: Any) -> None:
        with Loader(parse_settings(self.config | settings), self.emitted.append) as loader:
            loader.load(lines)

    def command(self, messages: Sequence[Message | bytes], **settings: Any) -> subprocess.CompletedProcess[str]:
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.config | settings))
        program = [sys.executable, "-c", "from target_iceberg.cli import main; main()", "--config", str(config)]
        given = b"".join(line(message) for message in messages).decode()
        return subprocess.run(program, input=given, capture_output=True, text=True, check=False)

    def rows(self, table: str = "raw_shop.orders") -> list[dict[str, Any]]:
        found = self.catalog.load_table(table).scan().to_arrow().to_pylist()
        return sorted(found, key=lambda row: (row.get("_sdc_commit_seq", 0), row.get("_sdc_sequence", 0)))

    def ids(self) -> list[int]:
        return [row["order_id"] for row in self.rows()]

    def snapshots(self, table: str = "raw_shop.orders") -> int:
        return len(self.catalog.load_table(table).metadata.snapshots)

    def rejects(self) -> list[dict[str, Any]]:
        return self.rows("quality.rejects") if self.catalog.table_exists("quality.rejects") else []

    def data_files(self) -> set[Path]:
        return set((self.folder / "warehouse").rglob("*.parquet"))


def line(message: Message | bytes) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"


def start(bookmarks: dict[str, Any] | None = None) -> Message:
    return {"type": "STATE", "value": {"bookmarks": bookmarks or {}}}


def schema(stream: str = "shop-orders", keys: Sequence[str] = ("order_id",), **columns: Any) -> Message:
    properties = columns or COLUMNS
    return {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}, "key_properties": list(keys)}


def record(order_id: Any, stream: str = "shop-orders", **values: Any) -> Message:
    return {"type": "RECORD", "stream": stream, "record": {"order_id": order_id, **values}}


def state(value: Any, stream: str = "shop-orders") -> Message:
    return {"type": "STATE", "value": {"bookmarks": {stream: {"at": value}}}}


def run(order_ids: Sequence[int], before: Any, after: Any) -> list[Message]:
    """A whole run of one stream from one bookmark to the next."""
    claim = start({} if before is None else {"shop-orders": {"at": before}})
    return [claim, schema(), *[record(i, total=i, status="paid") for i in order_ids], state(after)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


@pytest.fixture
def singer() -> Any:
    """The message makers, since test modules are imported alone."""
    return sys.modules[__name__]
