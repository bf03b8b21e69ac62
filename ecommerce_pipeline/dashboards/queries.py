"""What a chart asks of the server, made from its parameters as the front end would make it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ecommerce_pipeline.dashboards import references

Params = Mapping[str, Any]
VALUE_KEYS = ("metric", "metrics", "percent_metrics")
AXIS_KEYS = ("groupby", "columns", "all_columns", "column")


def context(params: Params, dataset_id: int) -> dict[str, Any]:
    """The body for `/api/v1/chart/data`: one query, or two for a chart with two sets of metrics."""
    return {
        "datasource": {"id": dataset_id, "type": "table"},
        "queries": [_query(params, suffix) for suffix in _suffixes(params)],
        "result_format": "json",
        "result_type": "full",
        "force": True,
    }


def _suffixes(params: Params) -> Iterator[str]:
    yield ""
    if params.get("metrics_b"):
        yield "_b"


def _query(params: Params, suffix: str) -> dict[str, Any]:
    metrics = list(dict.fromkeys(name for key in VALUE_KEYS for name in references.each(params.get(key + suffix))))
    columns = list(dict.fromkeys(name for key in AXIS_KEYS for name in references.each(params.get(key + suffix))))
    return {
        "columns": [*_x_axis(params), *columns],
        "metrics": metrics or None,
        "filters": [_filter(found) for found in params.get("adhoc_filters" + suffix) or []],
        "orderby": _ordering(params, metrics),
        "row_limit": params.get("row_limit") or 100,
    }


def _x_axis(params: Params) -> list[Any]:
    axis = params.get("x_axis")
    if not axis:
        return []
    if not params.get("time_grain_sqla"):
        return [axis]
    return [
        {
            "timeGrain": params["time_grain_sqla"],
            "columnType": "BASE_AXIS",
            "sqlExpression": axis,
            "label": axis,
            "expressionType": "SQL",
        }
    ]


def _filter(found: Params) -> dict[str, Any]:
    simple = {"col": found["subject"], "op": found["operator"]}
    return simple if found.get("comparator") is None else {**simple, "val": found["comparator"]}


def _ordering(params: Params, metrics: list[str]) -> list[list[Any]]:
    if params.get("order_by_cols"):
        return [json.loads(ordering) for ordering in params["order_by_cols"]]
    wanted = params.get("timeseries_limit_metric") or (metrics[0] if metrics else None)
    return [[wanted, not params.get("order_desc", True)]] if wanted and metrics else []
