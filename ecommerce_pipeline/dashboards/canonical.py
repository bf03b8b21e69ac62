"""When two descriptions of an object mean the same: the authority on which parts of Superset's export count.

The server numbers things, remembers who looked, and fills in defaults; none of that is a difference to git.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]

OF_PARAMS = {
    "datasource",
    "viz_type",
    "slice_id",
    "chart_id",
    "dashboards",
    "dashboardId",
    "url_params",
    "annotation_layers",
}
OF_METADATA = {
    "chart_configuration", "global_chart_configuration", "map_label_colors", "shared_label_colors", "chartsInScope",
    "default_filters", "filter_scopes", "timed_refresh_immune_slices", "expanded_slices", "positions", "import_time",
    "show_native_filters", "show_chart_timestamps", "color_scheme_domain", "remote_id",
}  # fmt: skip
OF_FILTER = {"chartsInScope", "tabsInScope", "cascadeParentIds"}
COLUMN = ("verbose_name", "is_dttm", "type", "groupby", "filterable", "expression", "description")
METRIC = ("verbose_name", "expression", "description", "d3format")
TEXTS = {
    "databases": (
        "database_name", "expose_in_sqllab", "allow_dml", "allow_ctas", "allow_cvas", "sqlalchemy_uri",
        "impersonate_user",
    ),
    "datasets": ("table_name", "main_dttm_col", "description", "schema", "sql"),
    "charts": ("slice_name", "description", "viz_type", "dataset_uuid", "certified_by", "certification_details"),
    "dashboards": (
        "dashboard_title", "description", "slug", "css", "published", "certified_by", "certification_details"
    ),
}  # fmt: skip


def of(kind: str, body: Body) -> dict[str, Any]:
    """What counts of an object of that kind, equal for equal objects."""
    kept = {key: body.get(key) or None for key in TEXTS[kind]}
    if kind == "datasets":
        kept["columns"] = {c["column_name"]: _of(c, COLUMN) for c in body.get("columns") or []}
        kept["metrics"] = {m["metric_name"]: _of(m, METRIC) for m in body.get("metrics") or []}
    elif kind == "charts":
        kept["params"] = params(body.get("params") or {})
    elif kind == "dashboards":
        kept["position"] = position(body.get("position") or {})
        kept["metadata"] = metadata(body.get("metadata") or {})
    return kept


def params(found: Body) -> dict[str, Any]:
    """A chart's parameters without what the server adds."""
    return {key: value for key, value in found.items() if key not in OF_PARAMS}


def position(found: Body) -> dict[str, Any]:
    """A layout without the server's numbers; the order of its nodes means nothing, that of their children does."""
    return {name: _node(node) for name, node in found.items()}


def metadata(found: Body) -> dict[str, Any]:
    """A dashboard's settings without what the server derives."""
    kept = {key: value for key, value in found.items() if key not in OF_METADATA and value not in (None, [], {}, "")}
    if natives := kept.get("native_filter_configuration"):
        kept["native_filter_configuration"] = [
            {key: value for key, value in native.items() if key not in OF_FILTER} for native in natives
        ]
    return kept


def _node(node: Any) -> Any:
    if not isinstance(node, Mapping):
        return node
    meta = {key: value for key, value in (node.get("meta") or {}).items() if key != "chartId"}
    kept = {key: value for key, value in node.items() if key not in ("meta", "parents")}
    return {**kept, "children": node.get("children") or [], **({"meta": meta} if meta else {})}


def _of(found: Body, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: found.get(key) or None for key in keys}
