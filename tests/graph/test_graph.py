"""The graph as it stands: its picture is pinned, and what every asset must have is checked on every asset.

After a wanted change, `pytest tests/graph --update-snapshot` draws the picture anew; the diff of graph.json is then
part of the review.
"""

import json
from pathlib import Path

import dagster as dg
import pytest

PICTURE = Path(__file__).with_name("graph.json")


@pytest.fixture(scope="module")
def graph():
    from ecommerce_pipeline.definitions import lakehouse
    from ecommerce_pipeline.settings import get_settings

    return lakehouse(get_settings()).resolve_asset_graph()


@pytest.fixture(scope="module")
def specs(graph):
    return {key: graph.get(key) for key in graph.get_all_asset_keys()}


def address(key):
    return "/".join(key.path)


def picture(graph, specs):
    """One entry an asset, in the words of the YAML and not of Dagster, so that a diff can be read."""
    checks = {}
    for check in graph.asset_check_keys:
        checks.setdefault(check.asset_key, []).append(check.name)
    return {
        address(key): {
            "group": spec.group_name,
            "owners": sorted(spec.owners),
            "kinds": sorted(spec.kinds),
            "partitions": str(spec.partitions_def) if spec.partitions_def else None,
            "reads": sorted(address(parent) for parent in spec.parent_keys),
            "checks": sorted(checks.get(key, [])),
        }
        for key, spec in sorted(specs.items())
    }


def test_the_graph_is_the_one_that_was_reviewed(graph, specs, request):
    drawn = json.dumps(picture(graph, specs), indent=1) + "\n"
    if request.config.getoption("--update-snapshot"):
        PICTURE.write_text(drawn)
    assert json.loads(drawn) == json.loads(PICTURE.read_text())


@pytest.mark.parametrize("what", ["owners", "description", "group_name", "kinds"])
def test_every_asset_says_who_owns_it_what_it_is_and_of_what_kind(specs, what):
    lacking = [address(key) for key, spec in specs.items() if not getattr(spec, what)]
    assert lacking == []


def test_every_model_and_raw_table_shows_its_columns_with_classes(specs):
    for key, spec in specs.items():
        if spec.is_materializable and spec.group_name not in {"sources", "raw", "ops", "dashboards", "upkeep"}:
            schema = spec.metadata.get("dagster/column_schema")
            assert schema, address(key)
            unclassed = [column.name for column in schema.columns if "class" not in column.tags]
            assert unclassed == [], address(key)


def test_every_materialised_asset_has_a_freshness_policy(specs):
    lacking = [address(key) for key, spec in specs.items() if spec.is_materializable and not spec.freshness_policy]
    assert lacking == []


def test_lineage_from_the_shops_orders_to_daily_revenue_is_unbroken(graph):
    upstream = graph.get_ancestor_asset_keys(dg.AssetKey(["finance", "daily_revenue"]), include_self=False)
    chain = [["shop", "orders"], ["raw_shop", "orders"], ["staging", "stg_shop__orders"], ["core", "fct_orders"]]
    assert {dg.AssetKey(path) for path in chain} <= upstream


def test_every_raw_table_is_read_by_a_model_and_reads_a_source(graph, specs):
    raw = [key for key, spec in specs.items() if spec.group_name == "raw"]
    assert raw
    for key in raw:
        assert {specs[parent].group_name for parent in specs[key].parent_keys} == {"sources"}, address(key)
        assert specs[key].child_keys, address(key)


def test_tables_kept_by_day_have_the_calendars_partitions_and_backfill_in_one_run(graph, specs):
    kept = [["executive", "sales_kpis"], ["ml", "customer_features"], ["product", "daily_inventory"]]
    for path in kept:
        node = specs[dg.AssetKey(path)]
        keys = node.partitions_def.get_partition_keys()
        assert (keys[0], keys[-1]) == ("2017-01-01", "2018-01-01")
        assert node.backfill_policy == dg.BackfillPolicy.single_run()
    assert {address(key) for key, spec in specs.items() if spec.partitions_def} == {"/".join(path) for path in kept}
