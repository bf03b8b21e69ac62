"""The jobs: `daily_update` brings what is new into every table, `full_refresh` rebuilds every model from the raw logs.

Both read the sources incrementally: a raw table is a log that is never thrown away, so rebuilding starts from it and
not from the source.
"""

from collections.abc import Iterable, Sequence

from dagster import AssetKey, AssetSelection, define_asset_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from ecommerce_pipeline.operations import upkeep_assets

DAILY_UPDATE = "daily_update"
MODELS_OP = "models"
DASHBOARDS = "dashboards"
UPKEEP = upkeep_assets.GROUP


def asset_jobs(source_keys: Iterable[AssetKey]) -> Sequence[UnresolvedAssetJobDefinition]:
    """The jobs over the graph."""
    # dashboards need a server that may not run; housekeeping has its own day
    everything = AssetSelection.all() - AssetSelection.groups(DASHBOARDS, UPKEEP)
    return [
        define_asset_job(
            DAILY_UPDATE,
            selection=everything,
            description="Reads what changed in every source, updates every model, publishes all tables at once.",
        ),
        define_asset_job(
            "full_refresh",
            selection=everything,
            config={"ops": {MODELS_OP: {"config": {"full_refresh": True}}}},
            description="As daily_update, but rebuilds every model from the raw logs, incremental ones too.",
        ),
        define_asset_job(
            "observe_sources",
            selection=AssetSelection.assets(*source_keys),
            description="Looks into every source system: what each table holds, without reading it.",
        ),
    ]


def dashboards_job() -> UnresolvedAssetJobDefinition:
    """Brings every dashboard up to git and asks each of its charts."""
    return define_asset_job(
        DASHBOARDS,
        selection=AssetSelection.groups(DASHBOARDS),
        description="Makes the dashboard server equal to git and asks every chart; needs the server (make dashboards).",
    )


def upkeep_job() -> UnresolvedAssetJobDefinition:
    """Housekeeping, as each table's policy says."""
    return define_asset_job(
        UPKEEP,
        selection=AssetSelection.groups(UPKEEP),
        description="Drops old branches, puts small files together, expires snapshots, removes what nothing refers to.",
    )
