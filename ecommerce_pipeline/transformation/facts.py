"""What a materialisation says about its table: rows, bytes, snapshot, duration, columns and where each column comes
from.

Counts are read from the snapshot's summary, which the writer wrote in the same commit as the rows; nothing is scanned.
"""

from __future__ import annotations

from typing import Any

from dagster import AssetKey, TableColumnLineage

from ecommerce_pipeline.lakehouse import contents
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation import column_lineage, dbt, translator
from ecommerce_pipeline.transformation.project import Manifest
from ecommerce_pipeline.transformation.results import NodeResult


class Reporter:
    """Makes the metadata of one run's materialisations; opens the catalog once."""

    def __init__(self, settings: Settings, manifest: Manifest, invocation: dbt.Invocation) -> None:
        self._catalog = open_catalog(settings)
        self._manifest = manifest
        self._lineage = column_lineage.Lineage(settings, manifest, self._catalog)
        # one process builds all models, so what it used is a fact of the run and repeated on each
        self._process = {"cpu_seconds": round(invocation.cpu_seconds, 2), "peak_rss": invocation.peak_rss}

    def metadata(self, key: AssetKey, result: NodeResult) -> dict[str, Any]:
        """Dagster metadata of one table just published."""
        node = self._manifest["nodes"][result.unique_id]
        found: dict[str, Any] = {"seconds": result.seconds, **self._process, **self._snapshot(key)}
        schema = translator.column_schema(node)
        if schema:
            found["dagster/column_schema"] = schema
        lineage = self._lineage.of(result.unique_id, result.compiled_code)
        if lineage:
            found["dagster/column_lineage"] = TableColumnLineage(lineage)
        return found

    def _snapshot(self, key: AssetKey) -> dict[str, Any]:
        table = self._catalog.load_table(tuple(key.path))
        held = contents.of_metadata(table.metadata, table.io)
        # as text: a snapshot id has more digits than a browser's numbers hold
        snapshot = {"snapshot_id": str(held.snapshot_id)} if held.snapshot_id else {}
        return {"dagster/row_count": held.rows, "bytes": held.bytes, **snapshot}
