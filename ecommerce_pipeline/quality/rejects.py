"""quality.rejects as an asset: the records that ingestion could not read, counted after each load.

The Meltano target writes the table, in front of each stream's commit; nothing here changes a row. The asset exists so
that rejects are seen where everything else is seen, and so that the table is there, empty, on the day nothing has
been refused yet.
"""

from collections.abc import Iterable
from typing import Any

from dagster import AssetKey, AssetsDefinition, MaterializeResult, TableColumn, TableSchema, asset
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, PrimitiveType, StringType, TimestampType

from ecommerce_pipeline.lakehouse import contents
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.settings import Settings

IDENTIFIER = ("quality", "rejects")
_COLUMNS: tuple[tuple[str, PrimitiveType, str, str], ...] = (
    ("source_system", StringType(), "internal", "the system that sent the record"),
    ("source_table", StringType(), "internal", "the raw table it was meant for, schema.table"),
    ("position", StringType(), "internal", "file:line, or the record's key"),
    ("reason", StringType(), "internal", "why it could not be read"),
    ("raw_record", StringType(), "personal", "the record as it came, undecoded text"),
    ("rule", StringType(), "internal", "the rule it broke"),
    ("dimension", StringType(), "internal", "completeness, accuracy, consistency, timeliness or uniqueness"),
    ("customer_id", LongType(), "internal", "whose record it is, where that can be read"),
    ("run_id", StringType(), "internal", "the run that refused it"),
    ("commit_seq", LongType(), "internal", "the raw table's commit it belongs to"),
    ("rejected_at", TimestampType(), "internal", "when, UTC"),
    ("status", StringType(), "internal", "open until somebody has seen to it"),
)


def rejects_asset(settings: Settings, raw_keys: Iterable[AssetKey]) -> AssetsDefinition:
    """The table as an asset downstream of every raw table."""

    @asset(
        key=list(IDENTIFIER),
        deps=sorted(raw_keys),
        group_name="quality",
        owners=["team:data-platform"],
        kinds={"meltano", "iceberg"},
        tags={"sensitivity": "personal"},
        description="Records that ingestion could not read, with reason, place and raw text. Grain: rejected record.",
        metadata={"dagster/column_schema": _column_schema(), "dagster/table_name": "lake.quality.rejects"},
    )
    def rejects() -> MaterializeResult[Any]:
        return MaterializeResult(metadata=_counts(open_catalog(settings)))

    return rejects


def _counts(catalog: Catalog) -> dict[str, Any]:
    try:
        table = catalog.load_table(IDENTIFIER)
    except NoSuchTableError:
        table = _create(catalog)
    held = contents.of_metadata(table.metadata, table.io)
    snapshot = {"snapshot_id": str(held.snapshot_id)} if held.snapshot_id else {}
    return {"dagster/row_count": held.rows, "bytes": held.bytes, **snapshot}


def _create(catalog: Catalog) -> Any:
    catalog.create_namespace_if_not_exists(IDENTIFIER[0])
    fields = [NestedField(n, name, kind, required=False) for n, (name, kind, _, _) in enumerate(_COLUMNS, start=1)]
    return catalog.create_table_if_not_exists(IDENTIFIER, schema=Schema(*fields))


def _column_schema() -> TableSchema:
    return TableSchema(
        columns=[
            TableColumn(name, type=str(kind), description=text, tags={"class": sensitivity, "origin": "real"})
            for name, kind, sensitivity, text in _COLUMNS
        ]
    )
