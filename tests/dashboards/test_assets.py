"""The dashboards in the graph: there without Superset, and in nobody's way."""

import pytest

from ecommerce_pipeline.definitions import lakehouse
from ecommerce_pipeline.settings import get_settings


@pytest.fixture(scope="module")
def graph():
    return lakehouse(get_settings())


def selected(graph, job):
    return {key.path[0] for key in graph.resolve_job_def(job).asset_layer.executable_asset_keys}


def test_every_dashboard_of_git_is_an_asset_downstream_of_what_its_charts_read(graph, assets, found):
    nodes = graph.resolve_asset_graph()
    for name, exposure in found.exposures.items():
        (node,) = [nodes.get(key) for key in nodes.get_all_asset_keys() if key.path == ["dashboards", name]]
        assert {".".join(parent.path) for parent in node.parent_keys} == set(exposure.tables)


def test_the_daily_update_needs_no_dashboard_server(graph):
    for job in ("daily_update", "full_refresh"):
        assert "dashboards" not in selected(graph, job)
        assert "finance" in selected(graph, job)


def test_one_job_brings_all_dashboards_up_to_git(graph):
    assert selected(graph, "dashboards") == {"dashboards"}
