"""Which dbt nodes a Dagster selection means.

Everything is `fqn:*`. Anything less is named node by node, models and tests, with dbt's own widening switched off: dbt
would add every test that touches a selected model, also those on models that were not selected and may not exist yet.
"""

from __future__ import annotations

from dagster import AssetCheckKey, AssetExecutionContext, AssetKey
from dagster_dbt.asset_utils import (
    DAGSTER_DBT_UNIQUE_ID_METADATA_KEY,
    get_checks_on_sources_upstream_of_selected_assets,
    get_node,
)

from ecommerce_pipeline.transformation.project import Manifest

EVERYTHING = ["--select", "fqn:*"]


def arguments(context: AssetExecutionContext, manifest: Manifest) -> list[str]:
    """dbt's arguments for the assets and checks this run selects."""
    definition = context.assets_def
    checks = checks_expected(context)
    if is_whole(context):
        return EVERYTHING
    ids = models(context)
    ids += [_unique_id(definition.get_spec_for_check_key(key).metadata) for key in sorted(checks, key=str)]
    names = [".".join(get_node(manifest, unique_id)["fqn"]) for unique_id in ids]
    return ["--select", " ".join(names), "--indirect-selection", "empty"]


def models(context: AssetExecutionContext) -> list[str]:
    """The models this run selects, by dbt's unique ids."""
    specs = (context.assets_def.get_asset_spec(key) for key in sorted(context.selected_asset_keys))
    return [_unique_id(spec.metadata) for spec in specs]


def checks_expected(context: AssetExecutionContext) -> set[AssetCheckKey]:
    """The checks whose results this run may report: the selected ones, and those on the raw tables it read."""
    on_sources = get_checks_on_sources_upstream_of_selected_assets(
        assets_def=context.assets_def, selected_asset_keys=context.selected_asset_keys
    )
    return {*context.selected_asset_check_keys, *on_sources}


def is_whole(context: AssetExecutionContext) -> bool:
    """Whether the run selects every model and every check."""
    definition = context.assets_def
    everything: set[AssetKey] = set(definition.node_keys_by_output_name.values())
    all_checks = {spec.key for spec in definition.node_check_specs_by_output_name.values()}
    return everything == set(context.selected_asset_keys) and all_checks == set(context.selected_asset_check_keys)


def _unique_id(metadata: object) -> str:
    return str(metadata[DAGSTER_DBT_UNIQUE_ID_METADATA_KEY])  # type: ignore[index]
