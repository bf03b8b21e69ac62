"""Lines of JSON into Iceberg: web events through tap-files as batches, and RECORD messages as a stock tap sends them.

usage: python -m benchmarks.ingestion_records [events] (default 1,000,000). Figures are per CPU-second of all processes,
start-up included. Writes docs/benchmarks/ingestion-records.md; exits 1 below a floor.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.ingestion_log import lake
from benchmarks.measuring import ROOT, Measured, machine, run

PAGE = ROOT / "docs/benchmarks/ingestion-records.md"
EVENTS_FLOOR, RECORDS_FLOOR = 150_000, 100_000
COLUMNS = {
    "event_id": "string", "user_id": "long", "session_id": "string", "event_type": "string", "timestamp": "timestamp",
    "received_at": "timestamp", "properties": "json", "context": "json",
}  # fmt: skip
SCHEMA = {
    "event_id": {"type": "string"}, "user_id": {"type": ["null", "integer"]}, "session_id": {"type": "string"},
    "event_type": {"type": "string"}, "timestamp": {"type": "string", "format": "date-time"},
    "received_at": {"type": "string", "format": "date-time"}, "properties": {"type": "object"},
    "context": {"type": "object"},
}  # fmt: skip


def main(events: int = 1_000_000) -> None:
    """Both ways with the same events."""
    load = machine()
    with tempfile.TemporaryDirectory(prefix="bench-records-") as scratch:
        folder = Path(scratch)
        write(folder, events)
        batches, records = as_batches(folder), as_records(folder)
    page = report(events, batches, records, load)
    PAGE.write_text(page)
    print(page)
    if events / batches.cpu < EVENTS_FLOOR or events / records.cpu < RECORDS_FLOOR:
        sys.exit("below a floor")


def write(folder: Path, events: int) -> None:
    """The events as files of lines, and as Singer messages."""
    (folder / "events").mkdir()
    first = {"type": "SCHEMA", "stream": "web-events", "schema": {"type": "object", "properties": SCHEMA}}
    with (folder / "events/1.jsonl").open("w") as lines, (folder / "messages.jsonl").open("w") as messages:
        messages.write(json.dumps(first | {"key_properties": ["event_id"]}) + "\n")
        for number in range(events):
            line = json.dumps(event(number))
            lines.write(line + "\n")
            messages.write(f'{{"type":"RECORD","stream":"web-events","record":{line}}}\n')
        messages.write('{"type":"STATE","value":{"bookmarks":{"web-events":{"n":1}}}}\n')


def event(number: int) -> dict[str, object]:
    """One of them, about 300 bytes."""
    moment = (
        f"2017-12-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:{number // 60 % 60:02}.{number % 1000:03}Z"
    )
    return {
        "event_id": f"{number:032x}",
        "user_id": number % 2500,
        "session_id": f"s{number // 20}",
        "event_type": ("page_view", "add_to_cart", "search")[number % 3],
        "timestamp": moment,
        "received_at": moment,
        "properties": {"page": f"/product/{number % 9000}", "price": number % 10000 / 100},
        "context": {"device": "mobile", "browser": "firefox"},
    }


def as_batches(folder: Path) -> Measured:
    """tap-files | target-iceberg."""
    stream = {"name": "web-events", "files": "*.jsonl", "format": "jsonl", "key_properties": ["event_id"]}
    tap = {
        "path": str(folder / "events"),
        "stage_dir": str(folder / "stage"),
        "streams": [stream | {"columns": COLUMNS}],
    }
    (folder / "tap.json").write_text(json.dumps(tap))
    return piped(folder, f"{Path(sys.executable).parent}/tap-files --config tap.json |", "batches")


def as_records(folder: Path) -> Measured:
    """The messages into target-iceberg."""
    return piped(folder, "cat messages.jsonl |", "records")


def piped(folder: Path, source: str, namespace: str) -> Measured:
    """One run of the target behind a source."""
    target = {"catalog_properties": lake(folder), "default_target_schema": namespace}
    (folder / "target.json").write_text(json.dumps(target))
    line = f"set -o pipefail; {source} {Path(sys.executable).parent}/target-iceberg --config target.json"
    return run(["bash", "-c", line], {"SHOPSPHERE_HOME": str(folder)}, cwd=folder)


def report(events: int, batches: Measured, records: Measured, load: str) -> str:
    """The page."""
    rows = [
        f"| {name} | {events / m.cpu:,.0f} | {events / m.wall:,.0f} | {m.cpu:.1f} | {m.peak_tree / 2**20:,.0f} | "
        f"{floor:,} |"
        for name, m, floor in (
            ("JSON lines, `tap-files \\| target-iceberg`", batches, EVENTS_FLOOR),
            ("RECORD messages, `target-iceberg`", records, RECORDS_FLOOR),
        )
    ]
    return "\n".join([
        "# Ingestion: lines of JSON → Iceberg",
        "",
        f"{events:,} web events of about 300 bytes, 8 columns, two of them JSON. {load}. Start-up is in all figures.",
        "",
        "| what | events a CPU-second | events/s | CPU-s | all processes MB | floor, events a CPU-second |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        "Run it: `.venv/bin/python -m benchmarks.ingestion_records`.",
        "",
    ])  # fmt: skip


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
