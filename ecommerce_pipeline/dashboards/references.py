"""Which columns and metrics a chart asks for: the authority on reading Superset's `params`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Params = Mapping[str, Any]

COLUMN_KEYS = ("x_axis", "groupby", "groupby_b", "columns", "all_columns", "series", "entity", "column",
               "granularity_sqla", "groupbyRows", "groupbyColumns", "temporal_columns_lookup")  # fmt: skip
METRIC_KEYS = ("metric", "metrics", "metrics_b", "percent_metrics", "secondary_metric", "x", "y", "size",
               "timeseries_limit_metric", "timeseries_limit_metric_b", "series_limit_metric")  # fmt: skip
FILTER_KEYS = ("adhoc_filters", "adhoc_filters_b")


def columns(params: Params) -> Iterator[str]:
    """Names of columns, each as often as it is asked for."""
    for key in COLUMN_KEYS:
        yield from (name for name in each(params.get(key)) if isinstance(name, str))
    for ordering in params.get("order_by_cols") or []:
        yield str(json.loads(ordering)[0])
    for found in filters(params):
        if found.get("expressionType", "SIMPLE") == "SIMPLE" and found.get("subject"):
            yield str(found["subject"])


def metrics(params: Params) -> Iterator[str]:
    """Names of metrics, each as often as it is asked for."""
    for key in METRIC_KEYS:
        yield from (name for name in each(params.get(key)) if isinstance(name, str))


def home_made(params: Params) -> Iterator[str]:
    """What a chart computes by itself instead of taking it from dbt: metrics, columns and filters in SQL of its own."""
    for key in (*METRIC_KEYS, *COLUMN_KEYS):
        for found in each(params.get(key)):
            if isinstance(found, Mapping):
                yield f"{key} {found.get('label') or found.get('sqlExpression') or found}"
    for found in filters(params):
        if found.get("expressionType") == "SQL":
            yield f"filter {found.get('sqlExpression')}"


def filters(params: Params) -> list[Mapping[str, Any]]:
    """The chart's own filters."""
    return [found for key in FILTER_KEYS for found in params.get(key) or []]


def each(value: Any) -> Sequence[Any]:
    """A parameter's values, whether it holds one, several or none."""
    if value is None or value == "":
        return []
    if isinstance(value, Mapping):
        return [value] if "expressionType" in value or "sqlExpression" in value else list(value)
    return value if isinstance(value, list) else [value]
