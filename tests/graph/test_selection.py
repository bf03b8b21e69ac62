"""A selection means what a person would think it means, or says what it cannot mean."""

import dagster as dg
import pytest

from ecommerce_pipeline.operations.selection import UnknownSelectionError, resolve


@pytest.fixture(scope="module")
def graph():
    specs = [
        dg.AssetSpec(["raw_shop", "orders"], group_name="raw"),
        dg.AssetSpec(["core", "fct_orders"], deps=[["raw_shop", "orders"]], group_name="core"),
        dg.AssetSpec(["finance", "daily_revenue"], deps=[["core", "fct_orders"]], group_name="finance"),
        dg.AssetSpec(["finance", "orders"], deps=[["core", "fct_orders"]], group_name="finance"),
    ]

    @dg.multi_asset(specs=specs, can_subset=True)
    def everything():
        yield from ()

    source = dg.AssetSpec(["shop", "orders"])
    return dg.Definitions(assets=[everything, source], jobs=[dg.define_asset_job("daily_update", "*")])


def addresses(target):
    return {".".join(key.path) for key in target.keys}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("finance.daily_revenue", {"finance.daily_revenue"}),
        ("finance/daily_revenue", {"finance.daily_revenue"}),
        ('key:"finance/daily_revenue"', {"finance.daily_revenue"}),
        ("daily_revenue", {"finance.daily_revenue"}),
        ("+finance.daily_revenue", {"raw_shop.orders", "core.fct_orders", "finance.daily_revenue"}),
        ("core.fct_orders+", {"core.fct_orders", "finance.daily_revenue", "finance.orders"}),
        ("group:finance", {"finance.daily_revenue", "finance.orders"}),
        ("finance.*", {"finance.daily_revenue", "finance.orders"}),
        ("raw_shop.orders,finance.orders", {"raw_shop.orders", "finance.orders"}),
        ("group:finance and not finance.orders", {"finance.daily_revenue"}),
    ],
)
def test_assets_are_selected_by_address_and_by_syntax(graph, text, selected):
    assert addresses(resolve(graph, text)) == selected


def test_a_job_is_selected_by_its_name(graph):
    assert resolve(graph, "daily_update").job == "daily_update"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("finance.daily_revenu", "finance.daily_revenue"),
        ("dayly_update", "daily_update"),
        ("finanze.orders", "finance.orders"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(graph, text, near):
    with pytest.raises(UnknownSelectionError, match=near):
        resolve(graph, text)


def test_a_table_name_that_two_schemas_have_is_not_guessed(graph):
    with pytest.raises(UnknownSelectionError, match=r"finance\.orders"):
        resolve(graph, "orders")


def test_a_source_cannot_be_materialised(graph):
    with pytest.raises(UnknownSelectionError, match="nothing that can be materialised"):
        resolve(graph, "shop.orders")
