"""The data behind the HubSpot-like API: one SQLite file that the company writes and the server reads, each at any
time.

An object may stand in it twice (`delivery` 0 and 1): that is the fault of an object delivered twice. Writing an object
again replaces it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

TYPES = ("contacts", "campaigns", "campaign_members", "coupon_redemptions", "email_events")
SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  type TEXT NOT NULL, id TEXT NOT NULL, delivery INTEGER NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL,
  modified INTEGER NOT NULL, archived INTEGER NOT NULL, properties TEXT NOT NULL,
  PRIMARY KEY (type, id, delivery)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_by_time ON objects (type, modified, id);
"""
ISO = "%Y-%m-%dT%H:%M:%S%.3fZ"


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection in one transaction; makes file and table when writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    address = f"file:{path}?mode={'ro' if read_only else 'rwc'}"
    db = sqlite3.connect(address, uri=True, timeout=30)
    try:
        if not read_only:
            db.executescript(SCHEMA)
        with db:
            yield db
    finally:
        db.close()


def put(db: sqlite3.Connection, kind: str, rows: pl.DataFrame) -> None:
    """Writes objects of one type: `id`, created_at, updated_at, archived, optional `delivery`, every other column a
    property.
    """
    import polars as pl  # the company's need only: the server starts faster without

    own = {"id", "created_at", "updated_at", "archived", "delivery"}
    properties = pl.struct(name for name in rows.columns if name not in own).struct.json_encode()
    times = [pl.col(name).dt.strftime(ISO) for name in ("created_at", "updated_at")]
    delivery = pl.col("delivery") if "delivery" in rows.columns else pl.lit(0)
    wanted = rows.select(
        pl.lit(kind).alias("type"),
        "id",
        delivery.alias("delivery"),
        *times,
        pl.col("updated_at").dt.timestamp("ms").alias("modified"),
        pl.col("archived").cast(pl.Int8),
        properties.alias("properties"),
    )
    for part in wanted.iter_slices(50_000):
        db.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", part.rows())


def as_json(row: tuple[Any, ...]) -> str:
    """An object of the API from (id, created, updated, archived, properties)."""
    identity, created, updated, archived, properties = row
    ended = f',"archivedAt":"{updated}"' if archived else ""
    return (
        f'{{"id":"{identity}","properties":{properties},"createdAt":"{created}","updatedAt":"{updated}",'
        f'"archived":{"true" if archived else "false"}{ended}}}'
    )
