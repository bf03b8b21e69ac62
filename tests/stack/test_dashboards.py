"""Superset on Trino: every chart answers, in the mart's own numbers; each role sees what it may, in its own name."""

from __future__ import annotations

import os
import subprocess

import pytest

from ecommerce_pipeline.dashboards import access, answers, contract, facts, files, installation, keeping, queries, sync
from ecommerce_pipeline.dashboards.client import Client, RefusedError
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.settings import ROOT
from ecommerce_pipeline.transformation import project
from tests.browser.test_access import SEES
from tests.stack.superset_server import sql, users_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]
BOARDS = ("executive_sales", "finance", "marketing", "growth", "product", "data_quality")


@pytest.fixture(scope="module")
def settings(dashboards):
    return dashboards.settings


@pytest.fixture(scope="module")
def admin(settings):
    return Client.of(settings)


@pytest.fixture(scope="module")
def assets(settings):
    return files.read(files.folder(settings))


@pytest.fixture(scope="module")
def found(settings):
    return contract.read(project.manifest(settings))


@pytest.fixture(scope="module")
def as_user(settings, admin):
    names = {f"test_{role}": role for role in [*SEES, "stores_midwest"]}
    return users_of(settings, admin, {**names, "pipeline": "data", "test_data_too": "data"})


@pytest.fixture(scope="module")
def numbers(admin):
    return sync.ids(admin, "datasets")


@pytest.fixture(scope="module")
def database(admin):
    (number,) = sync.ids(admin, "databases").values()
    return number


@pytest.fixture(scope="module")
def trino(settings):
    """The lake as the pipeline reads it."""
    with reader.connect(settings) as connection:
        yield connection


def ask(client, assets, numbers, dataset, **params):
    body = queries.context(params, numbers[assets.datasets()[dataset].uuid])
    return client.post("/api/v1/chart/data", body)["result"][0]


def is_refused(client, assets, numbers, chart):
    try:
        ask(client, assets, numbers, chart.body["dataset"], **chart.body["params"])
    except RefusedError as error:
        if error.status != 403:
            raise
        return True
    return False


@pytest.mark.parametrize("board", BOARDS)
def test_every_chart_returns_rows(board, admin, assets):
    wrong = [one for one in answers.of_dashboard(admin, assets, board) if one.error or not one.rows]
    assert wrong == []


def test_a_second_sync_changes_nothing(settings, found, admin, assets):
    keeping.sync(settings, found)
    assert keeping.sync(settings, found) == []
    assert access.apply(admin, assets, access.read(settings, assets)) == []


@pytest.mark.parametrize(
    ("dataset", "params", "query"),
    [
        (
            "finance.daily_revenue",
            {"metrics": ["revenue", "orders", "avg_order_value"]},
            "select sum(total_revenue), sum(transaction_count), "
            "cast(sum(total_revenue) as double) / sum(transaction_count) from finance.daily_revenue",
        ),
        (
            "finance.daily_category_sales",
            {"groupby": ["department"], "metrics": ["revenue"], "row_limit": 1000},
            "select department, sum(daily_revenue) from finance.daily_category_sales group by 1",
        ),
        (
            "executive.sales_kpis.latest",
            {"query_mode": "raw", "all_columns": ["kpi", "mtd_value", "plan_value"]},
            "select kpi, mtd_value, plan_value from executive.sales_kpis "
            "where as_of = (select max(as_of) from executive.sales_kpis)",
        ),
    ],
)
def test_a_charts_numbers_are_those_of_the_mart(dataset, params, query, admin, assets, numbers, trino):
    shown = [tuple(row.values()) for row in ask(admin, assets, numbers, dataset, **params)["data"]]
    told = [tuple(row) for row in trino.execute(query).fetchall()]
    assert len(shown) == len(told) > 0
    for (names, values), (own_names, own_values) in zip(
        sorted(map(comparable, shown)), sorted(map(comparable, told)), strict=True
    ):
        assert names == own_names
        assert values == pytest.approx(own_values, nan_ok=True)


def comparable(row):
    """Texts, then numbers as numbers, whatever carried them; nothing as not a number."""
    texts = [value for value in row if isinstance(value, str)]
    return texts, [float("nan" if value is None else value) for value in row if not isinstance(value, str)]


@pytest.mark.parametrize("role", SEES)
def test_a_role_reads_the_charts_of_its_dashboards_and_of_no_other(role, as_user, assets, numbers):
    client = as_user(f"test_{role}")
    for board, file in assets.dashboards().items():
        refused = [chart for chart in assets.charts_of(board) if is_refused(client, assets, numbers, chart)]
        if file.body["slug"] in SEES[role]:
            assert refused == [], board
        else:
            assert refused, board


def test_a_store_manager_sees_the_orders_of_the_own_region_only(as_user, assets, numbers, trino):
    (row,) = ask(as_user("test_stores_midwest"), assets, numbers, "core.fct_orders", metrics=["orders"])["data"]
    (own,) = trino.execute(
        "select count(*) from core.fct_orders join core.dim_stores using (store_id) where region = 'Midwest'"
    ).fetchone()
    (all_of_them,) = trino.execute("select count(*) from core.fct_orders").fetchone()
    assert row["orders"] == own < all_of_them


def test_trino_is_asked_in_the_name_of_who_signed_in(as_user, admin, database):
    assert sql(as_user("test_data"), database, "select current_user as who") == [{"who": "test_data"}]
    assert sql(admin, database, "select current_user as who") == [{"who": "superset"}]


def test_analysts_wait_in_their_own_queue(as_user, database, settings):
    sql(as_user("test_data"), database, "select 'an analyst was here' as said")
    as_trinos_admin = {"trino_user": "admin", "trino_password": settings.trino_admin_password}
    with reader.connect(settings.model_copy(update=as_trinos_admin)) as connection:
        asked = connection.execute(
            "select distinct source, resource_group_id[1] from system.runtime.queries "
            "where query like '%an analyst was here%' and \"user\" = 'test_data'"
        ).fetchall()
    assert asked == [["superset", "analysts"]]


def test_signing_in_under_the_name_of_a_trino_user_gives_none_of_its_rights(as_user, database):
    with pytest.raises(DashboardsError, match="cannot impersonate user pipeline"):
        sql(as_user("pipeline"), database, "select 1 as n")


def test_a_remembered_answer_is_given_to_nobody_else(as_user, assets, numbers):
    body = queries.context({"metrics": ["revenue"]}, numbers[assets.datasets()["finance.daily_revenue"].uuid])
    body["force"] = False
    one, other = (as_user(name) for name in ("test_data", "test_data_too"))
    first, again, elses = (client.post("/api/v1/chart/data", body)["result"][0] for client in (one, one, other))
    assert again["is_cached"]
    assert not elses["is_cached"] or first["cache_key"] != elses["cache_key"]
    assert first["data"] == again["data"] == elses["data"]


@pytest.mark.parametrize(
    "text",
    [
        "select email from core.dim_customers",
        'select lower_bounds, upper_bounds, readable_metrics from core."dim_customers$files"',
        'select * from core."dim_customers_history$partitions"',
        "select * from staging.stg_shop__orders",
        "select * from raw_shop.orders",
        "select * from lake_next.core.fct_orders",
        "select * from system.runtime.queries",
    ],
)
def test_what_the_models_keep_from_readers_trino_keeps_from_sql_lab(text, as_user, database):
    with pytest.raises(DashboardsError, match=r"Access Denied|not allowed|does not exist"):
        sql(as_user("test_data"), database, text)


def test_everything_of_the_customers_is_everything_but_their_persons(as_user, database, found):
    row, *_ = sql(as_user("test_data"), database, "select * from core.dim_customers")
    assert set(row) == {column.name for column in found.tables["core.dim_customers"].open_columns}


@pytest.mark.parametrize("text", ["create table core.x as select 1 as n", "delete from core.dim_customers",
                                  "drop table finance.daily_revenue"])  # fmt: skip
def test_sql_lab_changes_nothing(text, as_user, database):
    with pytest.raises(DashboardsError):
        sql(as_user("test_data"), database, text)


def test_trinos_certificate_is_believed_whatever_the_environment_says_of_others(settings):
    code = (
        "import json, os, sqlalchemy, trino_connection;"
        "facts = json.load(open(os.environ['SHOPSPHERE_SUPERSET_SERVER']))['trino'];"
        "uri = sqlalchemy.engine.make_url(f\"trino://superset@{facts['host']}:{facts['port']}/lake\");"
        "uri, params = trino_connection.mutator(facts)(uri, {});"
        "print(sqlalchemy.create_engine(uri, **params).connect().exec_driver_sql('select 42').scalar())"
    )
    env = {**os.environ, **dict(pair.split("=", 1) for pair in facts.environment(settings))}
    env["REQUESTS_CA_BUNDLE"] = str(ROOT / "README.md")  # no certificate at all
    asked = [installation.python(settings), "-c", code]
    done = subprocess.run(asked, env=env, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "42", done.stderr


def test_no_password_shows_in_supersets_records_or_logs(settings, admin):
    secret = settings.trino_superset_password.get_secret_value()
    assert secret not in str(admin.exported())
    assert secret not in (settings.log_dir / "superset.log").read_text()
