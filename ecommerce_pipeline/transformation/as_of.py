"""As_of days: which a run builds, and which the tables kept by day hold.

A run builds its daily partitions, or, when it names none, the day of the latest order. dbt reads the days from
the environment (SHOPSPHERE_AS_OF_START to SHOPSPHERE_AS_OF, inclusive, business days), because changed
`--vars` would make it parse everything again. A run without partitions leaves the choice to dbt, so that a schedule
never runs ahead of the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from dagster import AssetExecutionContext, AssetKey

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.tables import existing
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation.project import Manifest
from ecommerce_pipeline.transformation.translator import meta_of


@dataclass(frozen=True)
class Window:
    """The first and the last as_of day, ISO dates, or neither."""

    start: str | None = None
    end: str | None = None

    @property
    def is_open(self) -> bool:
        """The run names no day."""
        return self.end is None

    def environment(self) -> dict[str, str]:
        """What dbt's as_of macros read."""
        if self.start is None or self.end is None:
            return {}
        return {"SHOPSPHERE_AS_OF_START": self.start, "SHOPSPHERE_AS_OF": self.end}


def window_of(context: AssetExecutionContext) -> Window:
    """The run's partitions; a backfill in a single run holds a range of them."""
    if context.has_partition_key_range:
        keys = context.partition_key_range
        return Window(keys.start, keys.end)
    if context.has_partition_key:
        return Window(context.partition_key, context.partition_key)
    return Window()


def latest_day(settings: Settings, manifest: Manifest, key: AssetKey) -> str | None:
    """The last as_of day that a table holds, if any, from the column its YAML names as `meta.partition_column` (default
    `as_of`).
    """
    column, table = _column(manifest, key), ".".join(key.path)
    with reader.connect(settings) as connection:
        row = connection.execute(f'select cast(max("{column}") as date) from {table}').fetchone()  # noqa: S608 (names from the manifest)
    return str(row[0]) if row and row[0] else None


def kept_by_day(manifest: Manifest) -> dict[AssetKey, bool]:
    """The tables that keep a row set a day (`meta.partitions: daily`), and of each whether its past days can be built
    again; `meta.catch_up: false` says that they cannot.
    """
    return {
        AssetKey([node["schema"], node["alias"]]): bool(meta_of(node).get("catch_up", True))
        for node in manifest["nodes"].values()
        if meta_of(node).get("partitions") == "daily"
    }


def days_held(settings: Settings, manifest: Manifest) -> dict[AssetKey, set[date]]:
    """The days of every table kept by day that is there; without those whose past days cannot be built again. Raises
    LakehouseError.
    """
    wanted = [key for key, again in kept_by_day(manifest).items() if again]
    there = existing(settings, [tuple(key.path) for key in wanted])
    if not there:
        return {}
    with reader.connect(settings) as connection:
        return {key: _days(connection, manifest, key) for key in wanted if tuple(key.path) in there}


def _days(connection: Any, manifest: Manifest, key: AssetKey) -> set[date]:
    column, table = _column(manifest, key), ".".join(key.path)
    rows = connection.execute(f'select distinct cast("{column}" as date) from {table}').fetchall()  # noqa: S608 (names from the manifest)
    return {day for (day,) in rows if day is not None}


def _column(manifest: Manifest, key: AssetKey) -> str:
    """`meta.partition_column`, by default as_of."""
    schema, table = key.path
    node = next(n for n in manifest["nodes"].values() if (n["schema"], n.get("alias")) == (schema, table))
    return str(meta_of(node).get("partition_column", "as_of"))
