"""quality.decisions: what people decided about records in quarantine, who, when and why; append-only.

A decision holds for the record and the rule, also for later versions of the record that break the same rule, until a
later decision replaces it. Nothing here changes a record: the models of the next run obey (dbt/macros/quality/
decisions.sql). A fix may hold what people typed, so the table is personal and says whose record it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
from dagster import AssetsDefinition, MaterializeResult, TableColumn, TableSchema, asset
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from ecommerce_pipeline.lakehouse import contents, lease
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.settings import Settings

IDENTIFIER = ("quality", "decisions")
FIX, RELEASE, DISMISS, CONFIRM, FALSE_ALARM = "fix", "release", "dismiss", "confirm", "false_alarm"
_COLUMNS: Sequence[tuple[str, pa.DataType, str, str]] = (
    ("decided_at", pa.timestamp("us"), "internal", "when, UTC"),
    ("decided_by", pa.string(), "internal", "who"),
    ("decision", pa.string(), "internal", "fix, release, dismiss; confirm or false_alarm for a record of a sample"),
    ("source_system", pa.string(), "internal", "the system that sent the record"),
    ("source_table", pa.string(), "internal", "its table or stream"),
    ("record_key", pa.string(), "internal", "key of the record, as in quality.quarantine"),
    ("rule", pa.string(), "internal", "the rule the record breaks"),
    ("fix", pa.string(), "personal", "of a fix: the fields and the values they truly have, as JSON text"),
    ("reason", pa.string(), "internal", "why, in the person's words"),
    ("customer_id", pa.int64(), "internal", "whose record it is, where that can be read"),
)
SCHEMA = pa.schema([pa.field(name, kind) for name, kind, _, _ in _COLUMNS])


@dataclass(frozen=True)
class Decision:
    """One row of the table; times are naive UTC."""

    decided_at: datetime
    decided_by: str
    decision: str
    source_system: str
    source_table: str
    record_key: str
    rule: str
    fix: str | None
    reason: str
    customer_id: int | None


def append(settings: Settings, decisions: Sequence[Decision]) -> None:
    """Add the decisions in one commit; raises LeaseHeld if somebody else is writing for longer than a minute."""
    if not decisions:
        return
    rows = pa.Table.from_pylist([asdict(one) for one in decisions], schema=SCHEMA)
    with lease.hold(settings, [f"table:{'.'.join(IDENTIFIER)}"], "a decision about quarantine", wait_seconds=60):
        _table(open_catalog(settings)).append(rows)


def decisions_asset(settings: Settings) -> AssetsDefinition:
    """The table as an asset: there from the first run on, so that models can read it before anybody decided."""

    @asset(
        key=list(IDENTIFIER),
        group_name="quality",
        owners=["team:data-platform"],
        kinds={"python", "iceberg"},
        tags={"sensitivity": "personal"},
        description=(
            "What people decided about records in quarantine: append-only, obeyed by the next run. Grain: decision."
        ),
        metadata={"dagster/column_schema": _column_schema(), "dagster/table_name": "lake.quality.decisions"},
    )
    def decisions() -> MaterializeResult[Any]:
        table = _table(open_catalog(settings))
        held = contents.of_metadata(table.metadata, table.io)
        snapshot = {"snapshot_id": str(held.snapshot_id)} if held.snapshot_id else {}
        return MaterializeResult(metadata={"dagster/row_count": held.rows, "bytes": held.bytes, **snapshot})

    return decisions


def _table(catalog: Catalog) -> Table:
    catalog.create_namespace_if_not_exists(IDENTIFIER[0])
    # earlier metadata is left to the sweep: a branch may still stand on it
    properties = {"write.metadata.previous-versions-max": "100"}
    return catalog.create_table_if_not_exists(IDENTIFIER, schema=SCHEMA, properties=properties)


def _column_schema() -> TableSchema:
    return TableSchema(
        columns=[
            TableColumn(name, type=str(kind), description=text, tags={"class": sensitivity, "origin": "real"})
            for name, kind, sensitivity, text in _COLUMNS
        ]
    )
