"""What a change to a model reaches on the dashboards, before it is merged."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from ecommerce_pipeline.dashboards import references
from ecommerce_pipeline.dashboards.contract import Contract, Manifest
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.files import Assets
from ecommerce_pipeline.dashboards.validation import table_of


@dataclass(frozen=True)
class Reached:
    """A chart that a change reaches: through which table, and the columns and metrics it asks for there."""

    dashboard: str
    chart: str
    table: str
    columns: tuple[str, ...] = field(default=())
    metrics: tuple[str, ...] = field(default=())


def of(model: str, manifest: Manifest, assets: Assets, contract: Contract) -> list[Reached]:
    """The charts on the model itself and on everything made from it; raises DashboardsError for an unknown model."""
    below = _downstream(_unique_id(model, manifest), manifest)
    found = []
    for chart in assets.of("charts"):
        table = table_of(chart, assets, contract)
        if table is None or table.unique_id not in below:
            continue
        params = chart.body["params"]
        asked = sorted(set(references.columns(params))), sorted(set(references.metrics(params)))
        title = contract.exposures[chart.dashboard].label if chart.dashboard in contract.exposures else chart.dashboard
        found.append(Reached(title, str(chart.body["slice_name"]), table.address, tuple(asked[0]), tuple(asked[1])))
    return sorted(found, key=lambda reached: (reached.dashboard, reached.table, reached.chart))


def _unique_id(model: str, manifest: Manifest) -> str:
    """The node that `fct_orders` or `core.fct_orders` names."""
    named = {}
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if node["resource_type"] in ("model", "seed", "source"):
            named[node["name"]] = named[f"{node['schema']}.{node['name']}"] = node["unique_id"]
    if model not in named:
        near = difflib.get_close_matches(model, named, n=3, cutoff=0.5)
        raise DashboardsError(f"dbt has no model {model!r}. Near it: {', '.join(near) or 'nothing'}")
    return str(named[model])


def _downstream(start: str, manifest: Manifest) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for child in manifest["child_map"].get(waiting.pop(), []):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found
