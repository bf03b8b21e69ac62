"""ops.pipeline_runs: one row a run and asset, written after every run, the failed ones too.

It is written from Dagster's own event log rather than by the steps, because a step that died cannot write. Writing a
run again replaces its rows, so the command line and the sensor of the UI may both see to the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from dagster import (
    AssetMaterialization,
    AssetSpec,
    DagsterEventType,
    DagsterInstance,
    EventLogEntry,
    TableColumn,
    TableSchema,
)
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from ecommerce_pipeline.lakehouse import lease
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.settings import Settings

IDENTIFIER = ("ops", "pipeline_runs")
STEP_ENDS = {
    DagsterEventType.STEP_SUCCESS: "succeeded",
    DagsterEventType.STEP_FAILURE: "failed",
    DagsterEventType.STEP_SKIPPED: "skipped",
}
NOT_MADE = {"failed": "failed"}  # an asset that its step planned and did not make was skipped, unless the step failed
COLUMNS: Sequence[tuple[str, pa.DataType, str]] = (
    ("run_id", pa.string(), "Dagster's id of the run"),
    ("job", pa.string(), "the job that ran"),
    ("asset", pa.string(), "the asset, schema.table"),
    ("step", pa.string(), "the step that made it; steps make several assets in one process"),
    ("partition", pa.string(), "the as_of day, where the asset has days"),
    ("started", pa.timestamp("us"), "when the step started, UTC"),
    ("seconds", pa.float64(), "seconds the asset took; the step's where the asset's own is not known"),
    ("rows", pa.int64(), "rows in the table after the run"),
    ("bytes", pa.int64(), "bytes in the table's files after the run"),
    ("cpu_seconds", pa.float64(), "CPU seconds of the step's process"),
    ("peak_rss", pa.int64(), "largest resident memory of the step's process, bytes"),
    ("status", pa.string(), "succeeded, failed, or skipped"),
)
SCHEMA = pa.schema([pa.field(name, kind) for name, kind, _ in COLUMNS])


def asset_spec() -> AssetSpec:
    """The table as an external asset: no run materialises it, each leaves its rows behind."""
    columns = [
        TableColumn(name, type=str(kind), description=text, tags={"class": "internal", "origin": "real"})
        for name, kind, text in COLUMNS
    ]
    return AssetSpec(
        list(IDENTIFIER),
        group_name="ops",
        owners=["team:data-platform"],
        kinds={"python", "iceberg"},
        description="What every run did to every asset: time, rows, bytes, CPU, memory, status. Grain: run × asset.",
        metadata={
            "dagster/column_schema": TableSchema(columns=columns),
            "dagster/table_name": "lake.ops.pipeline_runs",
        },
    )


def record(settings: Settings, instance: DagsterInstance, run_id: str) -> int:
    """Write the rows of a finished run, in place of those it may already have; returns how many."""
    rows = list(_rows(instance, run_id))
    if rows:
        with lease.hold(settings, [f"table:{'.'.join(IDENTIFIER)}"], f"record of run {run_id}", wait_seconds=60):
            _replace(_table(open_catalog(settings)), run_id, pa.Table.from_pylist(rows, schema=SCHEMA))
        instance.report_runless_asset_event(
            AssetMaterialization(list(IDENTIFIER), metadata={"rows_written": len(rows), "run_id": run_id})
        )
    return len(rows)


def has(settings: Settings, run_id: str) -> bool:
    """Whether a run has rows."""
    with open_catalog(settings) as catalog:
        return catalog.table_exists(IDENTIFIER) and _holds(catalog.load_table(IDENTIFIER), _of(run_id))


def _table(catalog: Catalog) -> Table:
    catalog.create_namespace_if_not_exists(IDENTIFIER[0])
    # earlier metadata is left to the sweep: a branch may still stand on it
    properties = {"write.metadata.previous-versions-max": "100"}
    return catalog.create_table_if_not_exists(IDENTIFIER, schema=SCHEMA, properties=properties)


def _replace(table: Table, run_id: str, rows: pa.Table) -> None:
    if _holds(table, _of(run_id)):
        table.overwrite(rows, overwrite_filter=_of(run_id))
    else:
        table.append(rows)


def _holds(table: Table, rows: str) -> bool:
    return table.scan(row_filter=rows, selected_fields=("run_id",)).count() > 0


def _of(run_id: str) -> str:
    """The rows of a run, as a filter."""
    return f"run_id = '{run_id}'"


def _rows(instance: DagsterInstance, run_id: str) -> Iterable[dict[str, Any]]:
    run = instance.get_run_by_id(run_id)
    if run is None:
        return
    entries = instance.all_logs(run_id)
    steps = _steps(entries)
    made = {(key, step): entry for key, step, entry in _materialisations(entries)}
    for key, step in _planned(entries) | set(made):
        facts = _facts(steps.get(step, {}), made.get((key, step)))
        yield {"run_id": run_id, "job": run.job_name, "asset": key.replace("/", "."), "step": step, **facts}


def _facts(step: Mapping[str, Any], entry: EventLogEntry | None) -> dict[str, Any]:
    """What is known of one asset: its materialisation's metadata, and its step's times."""
    metadata = _metadata(entry)
    return {
        "partition": _partition(entry),
        "started": step.get("started"),
        "seconds": metadata.get("seconds", step.get("seconds")),
        "rows": metadata.get("dagster/row_count"),
        "bytes": metadata.get("bytes"),
        "cpu_seconds": metadata.get("cpu_seconds"),
        "peak_rss": metadata.get("peak_rss"),
        "status": "succeeded" if entry else NOT_MADE.get(step.get("status", ""), "skipped"),
    }


def _steps(entries: Iterable[EventLogEntry]) -> dict[str, dict[str, Any]]:
    """Step → when it (last) started, how long it took, how it ended."""
    steps: dict[str, dict[str, Any]] = {}
    for entry in entries:
        kind, step = entry.dagster_event_type, entry.step_key
        if step is None:
            continue
        if kind in (DagsterEventType.STEP_START, DagsterEventType.STEP_RESTARTED):
            started = datetime.fromtimestamp(entry.timestamp, UTC).replace(tzinfo=None)
            steps[step] = {"at": entry.timestamp, "started": started, "status": "failed"}
        elif kind in STEP_ENDS and step in steps:
            seconds = round(entry.timestamp - steps[step]["at"], 3)
            steps[step] |= {"seconds": seconds, "status": STEP_ENDS[kind]}
    return steps


def _planned(entries: Iterable[EventLogEntry]) -> set[tuple[str, str]]:
    return {
        (event.asset_key.to_user_string(), entry.step_key or "")
        for entry in entries
        if (event := entry.dagster_event)
        and event.event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED
        and event.asset_key
    }


def _materialisations(entries: Iterable[EventLogEntry]) -> Iterable[tuple[str, str, EventLogEntry]]:
    for entry in entries:
        if entry.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION and entry.asset_materialization:
            yield entry.asset_materialization.asset_key.to_user_string(), entry.step_key or "", entry


def _metadata(entry: EventLogEntry | None) -> dict[str, Any]:
    if entry is None or entry.asset_materialization is None:
        return {}
    return {name: getattr(value, "value", None) for name, value in entry.asset_materialization.metadata.items()}


def _partition(entry: EventLogEntry | None) -> str | None:
    return entry.asset_materialization.partition if entry and entry.asset_materialization else None
