"""Which as_of days a run builds: its daily partitions, or, when it names none, the day of the latest order.

dbt reads the days from the environment (SHOPSPHERE_AS_OF_START to SHOPSPHERE_AS_OF, inclusive, UTC), because changed
`--vars` would make it parse everything again. A run without partitions leaves the choice to dbt, so that a schedule
never runs ahead of the data.
"""

from __future__ import annotations

from dataclasses import dataclass

from dagster import AssetExecutionContext, AssetKey

from ecommerce_pipeline.lakehouse import reader
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
    schema, table = key.path
    node = next(n for n in manifest["nodes"].values() if (n["schema"], n.get("alias")) == (schema, table))
    column = meta_of(node).get("partition_column", "as_of")
    with reader.connect(settings) as connection:
        row = connection.execute(f'select cast(max("{column}") as date) from {schema}.{table}').fetchone()  # noqa: S608 (names from the manifest)
    return str(row[0]) if row and row[0] else None
