"""Who sees what, asked at the API as each role would ask it; and what no role can reach."""

import pytest

from ecommerce_pipeline.dashboards import access, keeping, queries, sync
from ecommerce_pipeline.dashboards.client import Client, RefusedError
from ecommerce_pipeline.dashboards.errors import DashboardsError

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
SEES = {
    "executive": {"executive-sales", "finance", "marketing", "growth", "product"},
    "finance": {"executive-sales", "finance"},
    "marketing": {"marketing"},
    "growth": {"growth"},
    "product": {"product"},
    "data": {"executive-sales", "finance", "marketing", "growth", "product", "data-quality"},
}


@pytest.fixture(scope="module")
def numbers(admin):
    return sync.ids(admin, "datasets")


def ask(client, assets, numbers, dataset, **params):
    body = queries.context(params, numbers[assets.datasets()[dataset].uuid])
    return client.post("/api/v1/chart/data", body)["result"][0]["data"]


def sql(client, text):
    (database,) = sync.ids(client, "databases").values()
    return client.post("/api/v1/sqllab/execute/", {"database_id": database, "sql": text, "runAsync": False})


@pytest.mark.parametrize("role", SEES)
def test_a_role_reads_the_charts_of_its_dashboards_and_of_no_other(role, as_role, assets, numbers):
    client = as_role(role)
    for board, file in assets.dashboards().items():
        refused = [chart for chart in assets.charts_of(board) if is_refused(client, assets, numbers, chart)]
        if file.body["slug"] in SEES[role]:
            assert refused == [], board
        else:
            assert refused, board


def is_refused(client, assets, numbers, chart):
    try:
        ask(client, assets, numbers, chart.body["dataset"], **chart.body["params"])
    except RefusedError as error:
        if error.status != 403:
            raise
        return True
    return False


def test_what_is_taken_from_a_role_is_refused_at_the_next_call_of_who_is_signed_in(
    as_role, admin, assets, numbers, served
):
    client, (chart, *_) = as_role("product"), assets.charts_of("product")
    (role,) = [role["id"] for role in admin.listing("security/roles") if role["name"] == "product"]
    assert not is_refused(client, assets, numbers, chart)
    try:
        admin.post(f"/api/v1/security/roles/{role}/permissions", {"permission_view_menu_ids": []})
        assert is_refused(client, assets, numbers, chart)
    finally:
        assert access.apply(admin, assets, access.read(served, assets)) == ["role product"]
    assert not is_refused(client, assets, numbers, chart)


def test_a_store_manager_sees_the_orders_of_the_own_region_only(as_role, assets, numbers, marts):
    (row,) = ask(as_role("stores_midwest"), assets, numbers, "core.fct_orders", metrics=["orders"])
    (own,) = marts.execute(
        "select count(*) from core.fct_orders join core.dim_stores using (store_id) where region = 'Midwest'"
    ).fetchone()
    (all_of_them,) = marts.execute("select count(*) from core.fct_orders").fetchone()
    assert row["orders"] == own < all_of_them


def test_who_has_the_roles_of_two_regions_sees_the_orders_of_both(as_role, assets, numbers, marts):
    (row,) = ask(as_role("two_regions"), assets, numbers, "core.fct_orders", metrics=["orders"])
    (own,) = marts.execute(
        "select count(*) from core.fct_orders join core.dim_stores using (store_id) "
        "where region in ('Midwest', 'Northeast')"
    ).fetchone()
    assert row["orders"] == own > 0


def test_a_rule_of_before_there_were_groups_is_brought_into_one(admin, served, assets):
    rule = next(rule for rule in admin.listing("rowlevelsecurity") if rule["name"] == "orders_of_the_midwest")
    found = admin.get(f"/api/v1/rowlevelsecurity/{rule['id']}")["result"]
    alone = {key: found[key] for key in ("name", "filter_type", "clause")} | {"group_key": ""}
    admin.put(
        f"/api/v1/rowlevelsecurity/{rule['id']}",
        alone | {key: [one["id"] for one in found[key]] for key in ("tables", "roles")},
    )
    assert access.apply(admin, assets, access.read(served, assets)) == ["rows orders_of_the_midwest"]
    assert access.apply(admin, assets, access.read(served, assets)) == []


def test_an_injection_through_a_filter_finds_nothing_and_changes_nothing(as_role, assets, numbers):
    evil = [{"subject": "department", "operator": "==", "comparator": "x' or 1=1; drop view finance.daily_revenue --",
             "expressionType": "SIMPLE"}]  # fmt: skip
    client = as_role("finance")
    found = ask(client, assets, numbers, "finance.daily_category_sales", metrics=["revenue"], adhoc_filters=evil)
    assert [row["revenue"] for row in found] in ([], [None])
    assert ask(client, assets, numbers, "finance.daily_revenue", metrics=["revenue"])


def test_sql_lab_is_the_data_teams(as_role):
    assert sql(as_role("data"), "select count(*) as n from finance.daily_revenue")["data"][0]["n"] > 300
    with pytest.raises(DashboardsError):
        sql(as_role("finance"), "select 1")


@pytest.mark.parametrize(
    "text",
    [
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/*')",
        "select * from read_parquet('https://example.com/x.parquet')",
    ],
)
def test_sql_lab_reaches_no_file_of_the_machine_and_no_network(as_role, text):
    with pytest.raises(DashboardsError, match=r"disabled|Permission|not allowed|lock|does not exist"):
        sql(as_role("data"), text)


@pytest.mark.parametrize("text", ["set enable_external_access = true", "create table x as select 1",
                                  "delete from core.dim_customers"])  # fmt: skip
def test_sql_lab_changes_nothing(as_role, text):
    with pytest.raises(DashboardsError):
        sql(as_role("data"), text)


def test_personal_columns_are_not_there_to_be_asked_for(as_role):
    with pytest.raises(DashboardsError, match="email"):
        sql(as_role("data"), "select email from core.dim_customers")
    assert sql(as_role("data"), "select count(*) as n from core.dim_customers")["data"][0]["n"] > 0


def test_a_jinja_template_is_text(as_role):
    with pytest.raises(DashboardsError):
        sql(as_role("data"), "select {{ current_username() }}")


def test_a_wrong_password_says_what_to_do(served):
    with pytest.raises(DashboardsError, match="SHOPSPHERE_SUPERSET_PASSWORD"):
        Client(served.superset_url, "admin", "not it")


def test_roles_are_given_once(admin, served, assets):
    assert access.apply(admin, assets, access.read(served, assets)) == []


@pytest.fixture(scope="module")
def found(served):
    from ecommerce_pipeline.dashboards import contract
    from ecommerce_pipeline.transformation import project

    return contract.read(project.manifest(served))


def test_a_second_sync_changes_nothing(served, found):
    keeping.sync(served, found)
    assert keeping.sync(served, found) == []


def test_a_chart_changed_in_the_ui_is_made_git_again_and_an_analysts_own_is_left_alone(served, found, admin, assets):
    (ours,) = [chart for chart in assets.of("charts") if chart.body["slice_name"] == "Orders by week"]
    number = sync.ids(admin, "charts")[ours.uuid]
    admin.put(f"/api/v1/chart/{number}", {"slice_name": "Spoilt"})
    dataset = sync.ids(admin, "datasets")[assets.datasets()["finance.daily_revenue"].uuid]
    theirs = {"slice_name": "An analyst's", "viz_type": "table", "datasource_id": dataset, "datasource_type": "table"}
    own = admin.post("/api/v1/chart/", {**theirs, "params": "{}"})["id"]
    try:
        steps = [str(step) for step in keeping.sync(served, found)]
        assert steps == ["update chart 'Orders by week': slice_name"]
        assert admin.get(f"/api/v1/chart/{own}")["result"]["slice_name"] == "An analyst's"
        assert keeping.sync(served, found) == []
    finally:
        admin.delete(f"/api/v1/chart/{own}")
