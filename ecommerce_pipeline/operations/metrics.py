"""The figures for Prometheus: what the last run made of each asset, what is held back, what is open, what room is left.

Read from ops.pipeline_runs, the last publication and the incidents, when somebody asks; nothing is counted in memory,
so a restart loses nothing and two processes say the same. All times are seconds, sizes bytes, moments seconds since
1970 (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.tables import existing
from ecommerce_pipeline.operations import outbox, pipeline_runs, room
from ecommerce_pipeline.operations.alerts import store
from ecommerce_pipeline.settings import Settings

QUARANTINE = ("quality", "quarantine")
# the last time each asset was to be made, and the last time it was
LAST_SQL = """
select last.asset, last.step, last.status, last.rows, last.bytes, last.seconds, last.cpu_seconds, last.peak_rss,
  good.started
from ops.pipeline_runs as last
inner join (select asset, max(started) as started from ops.pipeline_runs group by asset) as latest
  on last.asset = latest.asset and last.started = latest.started
left join (
  select asset, max(started) as started from ops.pipeline_runs where status = 'succeeded' group by asset
) as good on last.asset = good.asset
"""
RUNS_SQL = """
select job, status, count(*) from (
  select run_id, job, case when count(*) = count(case when status = 'succeeded' then 1 end) then 'succeeded'
    else 'failed' end as status
  from ops.pipeline_runs group by run_id, job
) as ended group by job, status
"""
HELD_SQL = "select source_system || '.' || source_table, status, count(*) from quality.quarantine group by 1, 2"
OF_ASSETS = (
    ("rows", "rows in the table after its last run"),
    ("bytes", "bytes in the table's files after its last run"),
    ("duration_seconds", "seconds the asset took in its last run"),
    ("cpu_seconds", "CPU seconds of the last step that made it"),
    ("peak_rss_bytes", "largest resident memory of that step's process"),
)


class Lakehouse(Collector):
    """Asks the lake when it is scraped."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is, is known when it is asked."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Every family; raises LakehouseError."""
        there = existing(self._settings, (pipeline_runs.IDENTIFIER, QUARANTINE))
        with reader.connect(self._settings) as lake:
            if pipeline_runs.IDENTIFIER in there:
                yield from _assets(_rows(lake, LAST_SQL))
                yield _labelled("runs", "runs recorded", ("job", "status"), _rows(lake, RUNS_SQL))
            if QUARANTINE in there:
                held = _rows(lake, HELD_SQL)
                yield _labelled("quarantine_records", "records × rules held back", ("table", "status"), held)
        yield from _incidents(self._settings)
        yield from _machine(self._settings)


def registry(settings: Settings) -> CollectorRegistry:
    """What a server of `prometheus_client` serves."""
    made = CollectorRegistry()
    made.register(Lakehouse(settings))
    return made


def text(settings: Settings) -> str:
    """The figures in Prometheus' text format; raises LakehouseError."""
    return generate_latest(registry(settings)).decode()


def write(settings: Settings, path: Path) -> None:
    """The same into a file, at once, for the node exporter's textfile collector."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), registry(settings))


def _assets(rows: Sequence[Any]) -> Iterable[Metric]:
    labels = ("asset", "step")
    families = [GaugeMetricFamily(f"shopsphere_asset_{name}", meaning, labels=labels) for name, meaning in OF_ASSETS]
    succeeded = GaugeMetricFamily("shopsphere_asset_succeeded", "1 if its last run made it", labels=labels)
    published = GaugeMetricFamily(
        "shopsphere_asset_published_timestamp_seconds", "start of the last run that made it", labels=labels
    )
    for asset, step, status, *values, good in rows:
        named = [str(asset), str(step)]
        for family, value in zip(families, values, strict=True):
            if value is not None:
                family.add_metric(named, float(value))
        succeeded.add_metric(named, float(status == "succeeded"))
        if good is not None:
            published.add_metric(named, _epoch(good))
    return [*families, succeeded, published]


def _incidents(settings: Settings) -> Iterable[Metric]:
    with store.opened(settings) as connection:
        keys, waiting = store.open_keys(connection), outbox.waiting(connection, store.TOPIC)
    kinds = [key.partition(":")[0] for key in keys]
    yield _labelled("incidents_open", "incidents open", ("kind",), [(kind, kinds.count(kind)) for kind in set(kinds)])
    late = sum(1 for delivery in waiting if delivery.tries)
    yield GaugeMetricFamily("shopsphere_alerts_not_taken", "messages that a receiver has not taken yet", value=late)


def _machine(settings: Settings) -> Iterable[Metric]:
    yield GaugeMetricFamily("shopsphere_disk_free_bytes", "free where the lake stands", value=room.disk(settings))
    yield GaugeMetricFamily("shopsphere_memory_available_bytes", "available on this machine", value=room.memory())


def _labelled(name: str, meaning: str, labels: Sequence[str], rows: Iterable[Sequence[Any]]) -> Metric:
    family = GaugeMetricFamily(f"shopsphere_{name}", meaning, labels=labels)
    for row in rows:
        family.add_metric([str(value) for value in row[:-1]], float(row[-1]))
    return family


def _rows(lake: Any, sql: str) -> list[Any]:
    return list(lake.execute(sql).fetchall())


def _epoch(moment: Any) -> float:
    return float(moment.replace(tzinfo=UTC).timestamp())
