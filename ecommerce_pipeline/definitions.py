"""The table of contents: what the lakehouse consists of, read from the sources to the marts.

    sources         observed tables of the companies' systems          sources/
    raw_*           append-only logs, one table a Meltano stream       ingestion/
    quality/rejects what ingestion could not read                      quality/
    quality/decisions what people decided about what is held back      quality/
    staging … ml    dbt models, published together                     transformation/
    ops             the record of every run                            operations/
    dashboards      Superset's, downstream of their marts              dashboards/
    upkeep          the lake's housekeeping, a step each               operations/

`dagster dev` and `shopsphere` both load `defs`; loading reads files of the project only and asks no server.
"""

from __future__ import annotations

from dagster import AssetsDefinition, AssetSpec, Definitions

from ecommerce_pipeline.dashboards import sensors as dashboard_sensors
from ecommerce_pipeline.dashboards.assets import dashboard_assets
from ecommerce_pipeline.ingestion.assets import raw_assets
from ecommerce_pipeline.operations import jobs, partitions, pipeline_runs, policies, schedules, sensors
from ecommerce_pipeline.operations.configuration import configured
from ecommerce_pipeline.operations.threads import threads_executor
from ecommerce_pipeline.operations.upkeep_assets import upkeep_assets
from ecommerce_pipeline.quality.arrivals import arrival_checks
from ecommerce_pipeline.quality.contracts import reading
from ecommerce_pipeline.quality.decisions import decisions_asset
from ecommerce_pipeline.quality.rejects import rejects_asset
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.sources import sensors as source_sensors
from ecommerce_pipeline.sources import totals
from ecommerce_pipeline.sources.assets import source_assets
from ecommerce_pipeline.streams import extractors
from ecommerce_pipeline.transformation import as_of, project, table_policies
from ecommerce_pipeline.transformation.assets import model_assets


def lakehouse(settings: Settings) -> Definitions:
    """The whole graph for these settings."""
    sources = source_assets(settings)
    parts = [*sources, *_tables(settings)]
    dashboards_job = jobs.dashboards_job()
    return Definitions(
        assets=[policies.apply(part) if isinstance(part, AssetsDefinition) else part for part in parts],
        asset_checks=arrival_checks(settings, reading.read(settings), extractors(settings), totals.of_table),
        jobs=[*jobs.asset_jobs(key for part in sources for key in part.keys), jobs.upkeep_job(), dashboards_job],
        schedules=schedules.schedules(
            settings, jobs.UPKEEP, lambda: as_of.days_held(settings, project.manifest(settings))
        ),
        sensors=[
            *sensors.sensors(settings),
            *source_sensors.sensors(settings, jobs.DAILY_UPDATE),
            *dashboard_sensors.sensors(settings, project.manifest(settings), dashboards_job),
        ],
        executor=threads_executor,
    )


def _tables(settings: Settings) -> list[AssetsDefinition | AssetSpec]:
    raw = list(raw_assets(settings))
    raw_keys = [key for part in raw for key in part.keys]
    return [
        *raw,
        rejects_asset(settings, raw_keys),
        decisions_asset(settings),
        model_assets(settings, partitions.daily(settings)),
        pipeline_runs.asset_spec(),
        *dashboard_assets(settings, project.manifest(settings)),
        *upkeep_assets(settings, lambda: table_policies.policies(project.manifest(settings))),
    ]


defs = lakehouse(configured())
