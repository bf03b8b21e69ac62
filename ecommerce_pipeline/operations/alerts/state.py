"""What is wrong at this moment, whatever runs did: marts past their deadline, and a machine without room."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

import psutil
from dagster import AssetKey, DagsterInstance

from ecommerce_pipeline.operations import room
from ecommerce_pipeline.operations.alerts.findings import Wrong
from ecommerce_pipeline.operations.asset_graph import Graph
from ecommerce_pipeline.operations.policies import DEADLINE
from ecommerce_pipeline.operations.scorecard import MARTS
from ecommerce_pipeline.settings import Settings

ENOUGH = 1.25  # times the limit: what is short is well again only with some room more, or it would be told all day
KINDS = ("deadline", "disk", "memory")
HOUR = 3600.0


def findings(
    settings: Settings, instance: DagsterInstance, graph: Graph, now: datetime, is_open: Collection[str]
) -> Iterator[Wrong]:
    """All that is wrong now; `is_open` are the keys of the incidents already known."""
    yield from _late(instance, graph, now)
    yield from _short_of_room(settings, now, is_open)


def _late(instance: DagsterInstance, graph: Graph, now: datetime) -> Iterator[Wrong]:
    """Marts whose last publication is older than the deadline by the wall clock; a mart that never was is not late."""
    marts = [key for key in graph.materializable_asset_keys if key.path[0] in MARTS]
    published = {key: _published(instance, key) for key in marts}
    late = {key: at for key, at in published.items() if at is not None and now - at > DEADLINE}
    if not late:
        return
    oldest = min(late.values())
    hours = DEADLINE.total_seconds() / HOUR
    what = f"{len(late)} of {len(marts)} marts are older than their deadline of {hours:.0f} h"
    cause = (
        f"The oldest was last published at {oldest:%Y-%m-%d %H:%M} UTC, {(now - oldest).total_seconds() / HOUR:.0f} h "
        "ago: no run has published since, or each one failed."
    )
    yield Wrong("deadline:marts", "deadline", what, oldest + DEADLINE, cause, tuple(sorted(late)))


def _published(instance: DagsterInstance, key: AssetKey) -> datetime | None:
    event = instance.get_latest_materialization_event(key)
    return datetime.fromtimestamp(event.timestamp, UTC) if event else None


def _short_of_room(settings: Settings, now: datetime, is_open: Collection[str]) -> Iterator[Wrong]:
    disk, memory = room.disk(settings) / 1e9, room.memory() / 1e9
    if disk < settings.alerts_disk_gb * (ENOUGH if "disk:home" in is_open else 1):
        what = f"{disk:.1f} GB of disk are left at {room.place(settings)}"
        cause = (
            f"Below {settings.alerts_disk_gb:g} GB. A run that meets a full disk fails and leaves every table as it is."
        )
        yield Wrong("disk:home", "disk", what, now, cause)
    if memory < settings.alerts_memory_gb * (ENOUGH if "memory:machine" in is_open else 1):
        largest = max(psutil.process_iter(["name", "pid", "memory_info"]), key=_resident)
        what = f"{memory:.1f} GB of memory are available on this machine"
        name, pid = largest.info["name"], largest.info["pid"]
        cause = f"The largest process is {name} (pid {pid}), {_resident(largest) / 1e9:.1f} GB."
        yield Wrong("memory:machine", "memory", what, now, cause)


def _resident(process: psutil.Process) -> int:
    found = process.info["memory_info"]
    return int(found.rss) if found else 0
