"""Why an asset is as it is: what made it red, stale or slow, and what to do next.

Put together from what is kept anyway: Dagster's records of the asset and its last try, the checks on it, when what it
reads was made, and ops.pipeline_runs for its part of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any, Literal, NamedTuple

from dagster import AssetKey, DagsterInstance
from dagster._core.storage.event_log.base import AssetRecord

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.tables import existing
from ecommerce_pipeline.operations import pipeline_runs
from ecommerce_pipeline.operations.alerts import runs
from ecommerce_pipeline.operations.alerts.findings import Wrong
from ecommerce_pipeline.operations.asset_graph import Graph, downstream
from ecommerce_pipeline.operations.policies import DEADLINE
from ecommerce_pipeline.settings import Settings

State = Literal["red", "stale", "never made", "fresh"]
RUNS = 10  # of which the trend is told: the last five against the five before
# filled in with an asset of the graph and with a run's id, both our own words
MINE_SQL = (
    "select run_id, seconds from ops.pipeline_runs where status = 'succeeded' and seconds is not null "
    "and asset = '{asset}' order by started desc limit {runs}"
)
SLOWEST_SQL = (
    # streams of one extractor share its seconds, and one of them stands for all
    "select min(asset), seconds from ops.pipeline_runs where run_id = '{run_id}' and seconds is not null "
    "group by step, seconds order by seconds desc, 1 limit 3"
)


class Made(NamedTuple):
    """When an asset was last made (UTC), and by which run."""

    asset: str
    at: datetime
    run_id: str


@dataclass(frozen=True)
class Time:
    """The asset's part of the last run that made it: its seconds, the run's, the change of its median seconds over the
    last five runs (None: too few), and the slowest assets of that run.
    """

    seconds: float
    run_seconds: float
    trend: float | None
    slowest: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Why:
    """The whole answer; `failures` are step or run and what they said, `broken_checks` the checks that do not hold."""

    asset: str
    state: State
    made: Made | None
    failures: tuple[tuple[str, str], ...]
    broken_checks: tuple[str, ...]
    newer_upstream: tuple[Made, ...]
    old_upstream: tuple[Made, ...]
    time: Time | None
    next: str


def why(settings: Settings, instance: DagsterInstance, graph: Graph, key: AssetKey, now: datetime) -> Why:
    """Explain one asset of the graph as of `now` (UTC); raises LakehouseError when the lake cannot be read."""
    ancestors = {one for one in graph.get_ancestor_asset_keys(key) if graph.get(one).is_materializable}
    records = {record.asset_entry.asset_key: record for record in instance.get_asset_records([key, *ancestors])}
    made = _made(records.get(key))
    failures = tuple(_failures(instance, graph, records.get(key), key))
    upstream = [found for one in sorted(ancestors) if (found := _made(records.get(one)))]
    newer = tuple(one for one in upstream if made and one.at > made.at and one.run_id != made.run_id)
    old = tuple(one for one in upstream if now - one.at > DEADLINE)
    state = _state(made, failures, newer, now)
    name = ".".join(key.path)
    checks = tuple(_broken_checks(instance, graph, key))
    time = _time(settings, instance, name) if made else None
    return Why(name, state, made, failures, checks, newer, old, time, _next(state, name, failures, newer))


def _state(made: Made | None, failures: Sequence[Any], newer: Sequence[Made], now: datetime) -> State:
    if failures:
        return "red"
    if made is None:
        return "never made"
    return "stale" if newer or now - made.at > DEADLINE else "fresh"


def _made(record: AssetRecord | None) -> Made | None:
    last = record.asset_entry.last_materialization_record if record else None
    if last is None or record is None:
        return None
    return Made(".".join(record.asset_entry.asset_key.path), datetime.fromtimestamp(last.timestamp, UTC), last.run_id)


def _failures(
    instance: DagsterInstance, graph: Graph, record: AssetRecord | None, key: AssetKey
) -> Iterator[tuple[str, str]]:
    """What went wrong in the last run that was to make it, if it did not: its own step, or one that it waits for."""
    if record is None:
        return
    entry = record.asset_entry
    tried, made = entry.last_planned_materialization_run_id or entry.last_run_id, _made(record)
    if tried is None or (made is not None and tried == made.run_id):
        return
    found = instance.get_run_record_by_id(tried)
    if found is None or not found.end_time:
        return
    for finding in runs.findings(instance, found):
        if isinstance(finding, Wrong) and (not finding.tables or key in downstream(graph, finding.tables)):
            yield finding.what, finding.cause


def _broken_checks(instance: DagsterInstance, graph: Graph, key: AssetKey) -> Iterator[str]:
    for check in sorted(graph.get_check_keys_for_assets({key}), key=lambda one: one.name):
        evaluation = instance.get_latest_asset_check_evaluation_record(check)
        last = evaluation.event.asset_check_evaluation if evaluation and evaluation.event else None
        if last is not None and not last.passed:
            broken = last.metadata.get("broken_rules")
            rows_by_rule: Any = broken.value if broken else {}
            rules = ", ".join(f"{rule} ({rows:,} rows)" for rule, rows in rows_by_rule.items())
            yield f"{check.name} [{last.severity.value.lower()}]" + (f": {rules}" if rules else "")


def _time(settings: Settings, instance: DagsterInstance, name: str) -> Time | None:
    if not existing(settings, [pipeline_runs.IDENTIFIER]):
        return None
    with reader.connect(settings) as lake:
        mine = lake.execute(MINE_SQL.format(asset=name, runs=RUNS)).fetchall()
        if not mine:
            return None
        slowest = lake.execute(SLOWEST_SQL.format(run_id=mine[0][0])).fetchall()
    stats = instance.get_run_stats(mine[0][0])
    seconds = [float(row[1]) for row in mine]
    last, before = seconds[: RUNS // 2], seconds[RUNS // 2 :]
    trend = median(last) / median(before) - 1 if before and median(before) else None
    whole = (stats.end_time or 0.0) - (stats.start_time or 0.0)
    return Time(seconds[0], whole, trend, tuple((str(asset), float(took)) for asset, took in slowest))


def _next(state: State, name: str, failures: Sequence[tuple[str, str]], newer: Sequence[Made]) -> str:
    if failures:
        said = failures[0][1].partition("Next: ")[2].strip().partition("\n")[0]
        return said or f"mend the cause above, then `shopsphere materialize '+{name}'`"
    if state == "never made":
        return f"`shopsphere materialize '+{name}'`"
    if newer:
        return f"`shopsphere materialize '{newer[0].asset}+'` brings what is newer into it"
    if state == "stale":
        return "`shopsphere materialize daily_update`; if nobody runs it: switch on the schedule in the UI (`make dev`)"
    return "nothing"
