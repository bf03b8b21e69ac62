"""From git to what the server is given, and how a difference between the two is found and brought back."""

import copy as copying

import pytest

from ecommerce_pipeline.dashboards import bundle, connection, files, impact, sync
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.export import Exporter
from ecommerce_pipeline.operations.pipeline_runs import COLUMNS
from ecommerce_pipeline.settings import get_settings


@pytest.fixture
def wanted(assets, found):
    return bundle.render(assets, found, connection.database(get_settings()))


@pytest.fixture
def served(wanted):
    """What the server would export after a sync."""
    return copying.deepcopy(wanted)


def named(bundle, key, title):
    return next(body for body in bundle.values() if body.get(key) == title)


def test_labels_descriptions_and_metrics_are_those_of_the_models(wanted, found):
    dataset = wanted["datasets/lake/finance.daily_revenue.yaml"]
    table = found.tables["finance.daily_revenue"]
    assert dataset["description"] == table.description
    metric = next(metric for metric in dataset["metrics"] if metric["metric_name"] == "avg_order_value")
    assert metric["expression"] == table.metrics["avg_order_value"].sql
    assert metric["d3format"] == "$,.2f"


def test_no_personal_column_is_in_any_dataset(wanted, found):
    for name, body in wanted.items():
        if name.startswith("datasets/"):
            table = found.tables[f"{body['schema']}.{body['table_name'].removesuffix('_latest')}"]
            assert {column["column_name"] for column in body["columns"]} == {c.name for c in table.open_columns}


def test_what_the_server_already_has_is_no_difference(wanted, served):
    for body in served.values():  # what the server adds by itself
        body.get("params", {}).update(datasource="7__table", slice_id=3)
        body.get("metadata", {}).update(chart_configuration={}, shared_label_colors=[])
        for node in body.get("position", {}).values():
            if isinstance(node, dict) and "chartId" in node.get("meta", {}):
                node["meta"]["chartId"] = 99
    assert sync.plan(wanted, served) == []


def test_a_change_is_an_update_of_that_part_alone(wanted, served):
    named(served, "slice_name", "Orders by week")["params"]["y_axis_format"] = ",.1f"
    assert [str(step) for step in sync.plan(wanted, served)] == ["update chart 'Orders by week': params"]


def test_only_what_git_once_made_is_removed_and_dashboards_go_before_their_charts(wanted, served):
    ours, theirs = files.new_uuid("charts", "gone"), "0b7ad8a3-6b8a-4a7e-9d53-1d0a51cb5c2e"
    served["charts/a.yaml"] = {"slice_name": "Once ours", "uuid": ours}
    served["charts/b.yaml"] = {"slice_name": "An analyst's", "uuid": theirs}
    served["dashboards/c.yaml"] = {"dashboard_title": "Once ours", "uuid": files.new_uuid("dashboards", "gone")}
    steps = [str(step) for step in sync.plan(wanted, served)]
    assert steps == ["remove dashboard 'Once ours'", "remove chart 'Once ours'"]


def test_exporting_what_is_in_git_writes_nothing(copy, served):
    assert Exporter(copy.root, copy.read(), served, "executive_sales").write() == []


def test_a_change_made_in_the_ui_comes_back_as_the_smallest_diff(copy, served):
    before = {path: path.read_text().splitlines() for path in copy.root.rglob("*.yaml")}
    named(served, "slice_name", "Orders by week")["params"]["y_axis_format"] = ",.1f"
    (path,) = Exporter(copy.root, copy.read(), served, "executive_sales").write()
    after = path.read_text().splitlines()
    assert [line for line in after if line not in before[path]] == ["  y_axis_format: ',.1f'"]
    assert len(after) == len(before[path])


def test_an_analysts_chart_put_on_our_dashboard_gets_a_file_and_an_identity_of_ours(copy, served, assets):
    board = named(served, "slug", "executive-sales")
    dataset = assets.datasets()["finance.daily_revenue"].uuid
    theirs = "0b7ad8a3-6b8a-4a7e-9d53-1d0a51cb5c2e"
    served["charts/new.yaml"] = {
        "slice_name": "Refunds, daily", "viz_type": "table", "uuid": theirs, "dataset_uuid": dataset,
        "params": {"metrics": ["refunds"]}, "description": None,
    }  # fmt: skip
    board["position"]["ROW-4"]["children"].append("CHART-new")
    meta = {"uuid": theirs, "sliceName": "Refunds, daily", "width": 2, "height": 20}
    board["position"]["CHART-new"] = {"type": "CHART", "id": "CHART-new", "children": [], "meta": meta}
    written = {path.name for path in Exporter(copy.root, copy.read(), served, "executive_sales").write()}
    assert written == {"refunds_daily.yaml", "executive_sales.yaml"}
    assert files.is_managed(copy.body("charts/executive_sales/refunds_daily.yaml")["uuid"])
    assert theirs not in (copy.root / "dashboards/executive_sales.yaml").read_text()


def test_impact_names_the_charts_on_everything_made_from_a_model(manifest, assets, found):
    reached = impact.of("fct_orders", manifest, assets, found)
    assert {"Finance", "Executive sales", "Growth"} <= {r.dashboard for r in reached}
    assert any(r.table == "finance.daily_revenue" and "revenue" in r.metrics for r in reached)


def test_impact_of_an_unknown_model_names_near_ones(manifest, assets, found):
    with pytest.raises(DashboardsError, match="fct_orders"):
        impact.of("fct_order", manifest, assets, found)


def test_the_declared_columns_of_the_run_records_are_those_that_are_written(found):
    declared = found.tables["ops.pipeline_runs"].columns
    assert [(name, text.capitalize()) for name, _, text in COLUMNS] == [
        (column.name, column.description.rstrip(".").capitalize()) for column in declared.values()
    ]
