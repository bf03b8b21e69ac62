"""What `shopsphere dashboards validate` lets through, and what it says of the rest."""

import pytest

from ecommerce_pipeline.dashboards import files, validation
from ecommerce_pipeline.dashboards.errors import DashboardsError

CHART = "charts/executive_sales/orders_by_week.yaml"
DASHBOARD = "dashboards/executive_sales.yaml"
DATASET = "datasets/finance.daily_revenue.yaml"


def said(copy, found):
    return validation.problems(copy.read(), found)


def test_the_dashboards_in_git_fit_the_models_in_git(assets, found):
    assert validation.problems(assets, found) == []


def test_there_is_something_to_validate(assets, found):
    assert set(assets.dashboards()) == set(found.exposures)
    assert len(assets.of("charts")) > 40


def test_a_chart_on_a_column_that_the_model_no_longer_has_is_named_with_the_column(copy, found):
    params = copy.body(CHART)["params"] | {"x_axis": "revenue_dat"}
    copy.change(CHART, params=params)
    (line,) = said(copy, found)
    assert line.startswith(CHART)
    assert "no column 'revenue_dat'" in line
    assert "near it: revenue_date" in line


def test_a_chart_on_a_metric_that_dbt_does_not_define_is_refused(copy, found):
    copy.change(CHART, params=copy.body(CHART)["params"] | {"metrics": ["turnover"]})
    assert any("no metric 'turnover'" in line for line in said(copy, found))


def test_a_figure_made_in_the_chart_is_sent_to_dbt(copy, found):
    own = {"expressionType": "SQL", "sqlExpression": "SUM(total_revenue) * 2", "label": "double"}
    copy.change(CHART, params=copy.body(CHART)["params"] | {"metrics": [own]})
    assert any("double is made in the chart" in line and "meta.metrics" in line for line in said(copy, found))


def test_personal_columns_are_no_readers(copy, found):
    copy.write(
        "datasets/core.dim_customers.yaml",
        {"table": "core.dim_customers", "uuid": files.new_uuid("datasets", "c"), "main_dttm_col": "email"},
    )
    assert any("no column 'email'" in line for line in said(copy, found))


def test_a_dataset_on_a_missing_table_is_refused(copy, found):
    copy.change(DATASET, table="finance.daily_revenu")
    assert any("no table 'finance.daily_revenu'" in line for line in said(copy, found))


def test_two_objects_with_one_identity_are_both_named(copy, found):
    copy.change(CHART, uuid=copy.body("charts/finance/refunds.yaml")["uuid"])
    assert any(CHART in line and "charts/finance/refunds.yaml" in line for line in said(copy, found))


def test_two_charts_of_one_name_are_both_named(copy, found):
    copy.change(CHART, slice_name="Refunds")
    assert any("the same name 'Refunds'" in line for line in said(copy, found))


def test_an_identity_that_git_did_not_make_is_given_one(copy, found):
    copy.change(CHART, uuid="11111111-1111-4111-8111-111111111111")
    assert any(files.new_uuid("charts", "orders_by_week") in line for line in said(copy, found))


def test_a_chart_that_no_layout_shows_is_found(copy, found):
    body = copy.body(DASHBOARD)
    del body["position"]["CHART-orders_by_week"]
    copy.write(DASHBOARD, body)
    lines = said(copy, found)
    assert any("names CHART-orders_by_week, which is not there" in line for line in lines)
    assert any(f"{CHART} is not shown" in line for line in lines)


def test_a_row_wider_than_the_page_is_refused(copy, found):
    body = copy.body(DASHBOARD)
    body["position"]["CHART-kpis"]["meta"]["width"] = 13
    copy.write(DASHBOARD, body)
    assert any("is 13 columns wide" in line for line in said(copy, found))


def test_the_exposure_names_what_the_dashboard_reads_and_nothing_else(copy, found):
    chart = copy.body(CHART)
    copy.write(CHART, chart | {"dataset": "marketing.daily_funnel", "params": {"metrics": ["visits"]}})
    assert any("reads marketing.daily_funnel, which its exposure does not name" in line for line in said(copy, found))


def test_a_filter_on_an_unknown_column_is_refused(copy, found):
    name = "dashboards/finance.yaml"
    body = copy.body(name)
    body["metadata"]["native_filter_configuration"][1]["targets"][0]["column"]["name"] = "departement"
    copy.write(name, body)
    assert any("filter Department" in line and "departement" in line for line in said(copy, found))


def test_a_very_long_name_is_refused_before_the_server_cuts_it(copy, found):
    copy.change(CHART, slice_name="x" * 251)
    assert any("longer than 250 characters" in line for line in said(copy, found))


def test_a_file_that_is_no_yaml_is_named(copy):
    (copy.root / CHART).write_text("slice_name: [")
    with pytest.raises(DashboardsError, match=r"orders_by_week\.yaml is not YAML"):
        copy.read()


def test_a_file_written_otherwise_is_sent_to_fix(copy, found):
    path = copy.root / CHART
    path.write_text(path.read_text() + "\n")
    assert any("validate --fix" in line for line in said(copy, found))
