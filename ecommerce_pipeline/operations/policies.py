"""What holds for every asset alike, said once: how old it may become, and who is asked when nobody else is named."""

from __future__ import annotations

from datetime import timedelta

from dagster import AssetsDefinition, AssetSpec, FreshnessPolicy

# one daily run, two hours late; then half a day more before somebody must look
DEADLINE = timedelta(hours=36)
DAILY = FreshnessPolicy.time_window(warn_window=timedelta(hours=26), fail_window=DEADLINE)
PLATFORM_TEAM = "team:data-platform"


def apply(definition: AssetsDefinition) -> AssetsDefinition:
    """The definition with the policies on every asset it materialises; external assets keep what they say."""
    return definition.map_asset_specs(_with_policies) if definition.is_materializable else definition


def _with_policies(spec: AssetSpec) -> AssetSpec:
    return spec.replace_attributes(
        owners=list(spec.owners) or [PLATFORM_TEAM], freshness_policy=spec.freshness_policy or DAILY
    )
