"""The ledger of what was broken on purpose: one JSON object a line, outside everything the pipeline reads.

An entry says the kind, the source system and table, the record's key, the columns as they were written and as they
truly are (as text), and the company day of the step. A step that is repeated after a crash adds nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Entry:
    """One fault; `written` and `true` map columns to text or None."""

    kind: str
    source: str
    table: str
    key: dict[str, str]
    written: dict[str, str | None]
    true: dict[str, str | None]
    day: date

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes two entries the same; the CRM's export is one file, whatever the day."""
        day = "" if self.source == "crm" else str(self.day)
        return self.source, self.table, json.dumps(self.key, sort_keys=True), day


def append(path: Path, entries: Iterable[Entry]) -> None:
    """Adds the entries that are not in the ledger yet."""
    known = {entry.identity for entry in read(path)}
    new = [entry for entry in entries if entry.identity not in known]
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(asdict(entry), default=str, ensure_ascii=False) + "\n" for entry in new)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)


def read(path: Path) -> list[Entry]:
    """Every entry, in the order they were made; none without a ledger."""
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [Entry(**{**row, "day": date.fromisoformat(row["day"])}) for row in rows]


def frame(path: Path) -> pl.DataFrame:
    """The ledger as a frame, for counting: kind, source, table, key (JSON), day."""
    rows = [(entry.kind, entry.source, entry.table, json.dumps(entry.key), entry.day) for entry in read(path)]
    return pl.DataFrame(rows, schema=["kind", "source", "table", "key", "day"], orient="row")
