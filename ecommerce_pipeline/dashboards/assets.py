"""Every dashboard as an asset downstream of its marts: materialising it brings the server up to git and asks every
chart.

The graph is made from files alone, whether Superset is installed or not; only a run needs the server.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Failure,
    MaterializeResult,
    MetadataValue,
    asset,
)

from ecommerce_pipeline.dashboards import answers, contract, files, keeping, server
from ecommerce_pipeline.dashboards.answers import Answer
from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.dashboards.contract import Contract, Exposure, Manifest
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.files import Assets, File
from ecommerce_pipeline.settings import Settings

GROUP = "dashboards"
CHECK = "every_chart_returns_rows"
Event = MaterializeResult[Any] | AssetCheckResult


def dashboard_assets(settings: Settings, manifest: Manifest) -> Sequence[AssetsDefinition]:
    """One asset a dashboard that dbt declares and git holds."""
    found, assets = contract.read(manifest), files.read(files.folder(settings))
    return [
        _asset(settings, found, assets, file, found.exposures[name])
        for name, file in assets.dashboards().items()
        if name in found.exposures
    ]


def _asset(settings: Settings, found: Contract, assets: Assets, file: File, exposure: Exposure) -> AssetsDefinition:
    charts = assets.charts_of(file.name)

    @asset(
        name=file.name,
        key_prefix=GROUP,
        group_name=GROUP,
        deps=[AssetKey(address.split(".")) for address in sorted(exposure.tables)],
        description=f"{exposure.label}. {exposure.description}",
        owners=[exposure.owner] if exposure.owner else None,
        kinds={"superset"},
        metadata={"charts": MetadataValue.md("\n".join(f"- {chart.body['slice_name']}" for chart in charts))},
        check_specs=[AssetCheckSpec(CHECK, asset=[GROUP, file.name], description="Asks each what its page asks.")],
        pool="superset",
    )
    def dashboard(context: AssetExecutionContext) -> Iterator[Event]:
        try:
            steps = keeping.sync(settings, found)
            asked = answers.of_dashboard(Client.of(settings), assets, file.name)
        except DashboardsError as error:
            raise Failure(description=str(error), allow_retries=False) from error
        for step in steps:
            context.log.info(str(step))
        yield from _events(f"{server.address(settings)}/superset/dashboard/{file.body['slug']}/", len(steps), asked)

    return dashboard


def _events(url: str, steps: int, asked: Sequence[Answer]) -> Iterator[Event]:
    slowest = max((answer.seconds for answer in asked), default=0.0)
    yield MaterializeResult(
        metadata={"url": MetadataValue.url(url), "charts": len(asked), "steps": steps, "slowest_chart_seconds": slowest}
    )
    broken = {answer.chart: answer.error for answer in asked if answer.error}
    empty = [answer.chart for answer in asked if not answer.error and not answer.rows]
    yield AssetCheckResult(
        check_name=CHECK,
        passed=not broken and not empty,
        severity=AssetCheckSeverity.ERROR if broken else AssetCheckSeverity.WARN,
        metadata={"broken": broken, "empty": empty},
    )
