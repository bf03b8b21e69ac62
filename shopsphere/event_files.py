"""Events as the collector leaves them: one folder a day and one JSON-lines file an hour of arrival, lines in order
of arrival.

A file is written whole or not at all, and the same events give the same bytes. Lines that arrive only after the window
(late ones, second deliveries) wait in a file outside the collector's folder and are joined to the step in whose days
they arrive.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from shopsphere.state import Window

STAMP = "%Y-%m-%dT%H:%M:%S%.3fZ"
LINES = {"received_at": pl.Datetime("us"), "event_id": pl.String, "line": pl.String}


def encode(events: pl.DataFrame) -> pl.DataFrame:
    """`received_at`, `event_id` and `line`, the event as one JSON object; properties that an event does not have
    are left out.
    """
    line = pl.concat_str(
        pl.lit('{"event_id":"'),
        "event_id",
        pl.lit('","user_id":'),
        pl.col("user_id").cast(pl.String).fill_null("null"),
        pl.lit(',"session_id":"'),
        "session_id",
        pl.lit('","event_type":"'),
        "event_type",
        pl.lit('","timestamp":"'),
        pl.col("timestamp").dt.strftime(STAMP),
        pl.lit('","received_at":"'),
        pl.col("received_at").dt.strftime(STAMP),
        pl.lit('","properties":{'),
        _properties().str.strip_suffix(","),
        pl.lit('},"context":{"ip":"'),
        "ip",
        pl.lit('","user_agent":"'),
        "user_agent",
        pl.lit('","locale":"'),
        "locale",
        pl.lit('"}}'),
    )
    return events.select("received_at", "event_id", line.alias("line"))


def _properties() -> pl.Expr:
    """Each property that is there, followed by a comma."""
    price = pl.format("{}.{}", pl.col("price") // 100, (pl.col("price") % 100).cast(pl.String).str.zfill(2))
    parts = [
        pl.format('"{}":{},', pl.lit(name), value) for name, value in (("product_id", "product_id"), ("price", price))
    ]
    parts += [pl.format('"{}":{},', pl.lit(name), name) for name in ("campaign_id", "order_id")]
    parts += [pl.format('"{}":"{}",', pl.lit(name), name) for name in ("experiment", "variant")]
    return pl.concat_str([part.fill_null("") for part in parts])


def write(folder: Path, lines: pl.DataFrame) -> None:
    """Writes the files of all hours in which a line arrived, replacing those that exist."""
    ordered = lines.sort("received_at", "event_id", "line").with_columns(
        pl.col("received_at").dt.truncate("1h").alias("hour")
    )
    for hours, part in ordered.group_by("hour", maintain_order=True):
        hour = hours[0]
        path = folder / f"{hour:%Y-%m-%d}" / f"{hour:%H}.jsonl"  # type: ignore[str-bytes-safe]
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(b"".join(_bytes(line) for line in part["line"]))
        os.replace(partial, path)


def _bytes(line: str) -> bytes:
    return line.encode() + b"\n"


def take_pending(path: Path, window: Window) -> pl.DataFrame:
    """The waiting lines that arrive in the window."""
    return _pending(path).filter(pl.col("received_at") < window.before)


def keep_pending(path: Path, lines: pl.DataFrame, window: Window) -> None:
    """Replaces the waiting lines: those known that arrive after the window, and the new ones."""
    waiting = (
        pl.concat([_pending(path), lines]).filter(pl.col("received_at") >= window.before).unique(maintain_order=True)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    waiting.write_parquet(partial)
    os.replace(partial, path)


def _pending(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=LINES)
