"""Days that were missed: the tables kept by day have a row set for each, and an outage leaves a gap behind.

Everything else needs no catching up, because a stream goes on from its bookmark. The gap is one run, not one a day.
"""

from __future__ import annotations

from datetime import date, timedelta

from dagster import DagsterInstance

from ecommerce_pipeline.operations.asset_graph import Graph
from ecommerce_pipeline.settings import Settings


def missed(settings: Settings, instance: DagsterInstance, graph: Graph, until: date) -> tuple[str, str]:
    """The first and the last day to build: from the one after the last that every table kept by day has, to `until`,
    within the company's calendar. `until` alone if none was ever built, or if nothing is missing.
    """
    kept = [key for key in graph.materializable_asset_keys if graph.get(key).partitions_def is not None]
    last = [max(instance.get_materialized_partitions(key), default="") for key in kept]
    first = until
    if last and all(last):
        first = min(until, date.fromisoformat(min(last)) + timedelta(days=1))
    return max(first, settings.first_day).isoformat(), until.isoformat()
