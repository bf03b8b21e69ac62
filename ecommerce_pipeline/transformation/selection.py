"""Which dbt nodes a Dagster selection means, in dbt's own selection language."""

from __future__ import annotations

from dagster import AssetCheckKey, AssetExecutionContext
from dagster_dbt.asset_utils import (
    get_checks_on_sources_upstream_of_selected_assets,
    get_subset_selection_for_context,
)

from ecommerce_pipeline.transformation.project import Manifest
from ecommerce_pipeline.transformation.translator import ModelTranslator


def arguments(context: AssetExecutionContext, manifest: Manifest, translator: ModelTranslator) -> list[str]:
    """dbt's arguments for the assets and checks this run selects; the whole project when it selects all."""
    chosen, indirect = get_subset_selection_for_context(
        context=context,
        manifest=manifest,
        select="fqn:*",
        exclude=None,
        selector=None,
        dagster_dbt_translator=translator,
        current_dbt_indirect_selection_env=None,
    )
    return [*chosen, *(["--indirect-selection", indirect] if indirect else [])]


def checks_expected(context: AssetExecutionContext) -> set[AssetCheckKey]:
    """The checks whose results this run may report: the selected ones, and those on the raw tables it read."""
    on_sources = get_checks_on_sources_upstream_of_selected_assets(
        assets_def=context.assets_def, selected_asset_keys=context.selected_asset_keys
    )
    return {*context.selected_asset_check_keys, *on_sources}
