"""From the files in git and dbt's contract to what Superset imports: the authority on datasets, labels and layout of
the bundle.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ecommerce_pipeline.dashboards import layout
from ecommerce_pipeline.dashboards.contract import Column, Contract, Metric, Table
from ecommerce_pipeline.dashboards.files import Assets, File, new_uuid

VERSION = "1.0.0"
CERTIFIED_BY = "ShopSphere data platform"
CERTIFICATION = "Kept in git and tested; ask for a change there, or save a copy of your own"
DATABASE = "ShopSphere lake"
DATABASE_UUID = new_uuid("dashboards", "database")
Body = dict[str, Any]


def render(assets: Assets, contract: Contract, connection: Mapping[str, Any]) -> dict[str, Body]:
    """Every object as Superset's import wants it, by file name; the files must be valid."""
    files = assets.datasets()
    return {
        "metadata.yaml": {"version": VERSION, "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/lake.yaml": {"database_name": DATABASE, "uuid": DATABASE_UUID, "version": VERSION, **connection},
        **{f"datasets/lake/{name}.yaml": dataset(file, contract) for name, file in files.items()},
        **{
            f"charts/{file.dashboard}__{file.name}.yaml": chart(file, files[file.body["dataset"]])
            for file in assets.of("charts")
        },
        **{f"dashboards/{name}.yaml": dashboard(file, assets, contract) for name, file in assets.dashboards().items()},
    }


def dataset(file: File, contract: Contract) -> Body:
    """A table as a dataset; with `latest_by`, only its rows of the latest day."""
    table = contract.tables[file.body["table"]]
    latest = file.body.get("latest_by")
    return {
        "table_name": file.name.split(".", 1)[1].replace(".", "_"),
        "main_dttm_col": file.body.get("main_dttm_col"),
        "description": table.description,
        "schema": table.schema,
        "catalog": None,
        "sql": _latest(table, latest) if latest else None,
        "uuid": file.uuid,
        "filter_select_enabled": True,
        "fetch_values_predicate": None,
        "extra": {"certification": {"certified_by": CERTIFIED_BY, "details": f"Owner: {table.owner}"}},
        "metrics": [_metric(metric) for metric in table.metrics.values()],
        "columns": [_column(column) for column in table.open_columns],
        "version": VERSION,
        "database_uuid": DATABASE_UUID,
    }


def chart(file: File, dataset: File) -> Body:
    """A chart, pointing at its dataset by identity."""
    body = copy.deepcopy(dict(file.body))
    del body["dataset"]
    body["params"] = {**body["params"], "viz_type": body["viz_type"]}
    certified = {"certified_by": CERTIFIED_BY, "certification_details": CERTIFICATION}
    return {**body, **certified, "cache_timeout": None, "version": VERSION, "dataset_uuid": dataset.uuid}


def dashboard(file: File, assets: Assets, contract: Contract) -> Body:
    """A dashboard, with the exposure's title and text, its filters pointing at datasets by identity."""
    exposure, body = contract.exposures[file.name], copy.deepcopy(dict(file.body))
    for native in body["metadata"].get("native_filter_configuration") or []:
        for target in native.get("targets") or []:
            if target:
                target["datasetUuid"] = assets.datasets()[target.pop("dataset")].uuid
    certified = {"certified_by": CERTIFIED_BY, "certification_details": f"Owner: {exposure.owner}. {CERTIFICATION}"}
    head = {"dashboard_title": exposure.label, "description": exposure.description, "published": True, **certified}
    body["position"] = layout.numbered(body["position"])
    return {**head, "css": body.pop("css", ""), **body, "version": VERSION}


def _latest(table: Table, column: str) -> str:
    names = ", ".join(column.name for column in table.open_columns)
    latest = f"(select max({column}) from {table.address})"  # noqa: S608 (names of the contract)
    return f"select {names} from {table.address} where {column} = {latest}"  # noqa: S608


def _column(column: Column) -> Body:
    return {
        "column_name": column.name,
        "verbose_name": column.label,
        "is_dttm": column.is_time,
        "is_active": True,
        "type": column.type.upper(),
        "advanced_data_type": None,
        "groupby": True,
        "filterable": True,
        "expression": None,
        "description": column.description,
        "python_date_format": None,
        "extra": {},
    }


def _metric(metric: Metric) -> Body:
    return {
        "metric_name": metric.name,
        "verbose_name": metric.label,
        "metric_type": None,
        "expression": metric.sql,
        "description": metric.description,
        "d3format": metric.format,
        "currency": None,
        "extra": {},
        "warning_text": None,
    }
