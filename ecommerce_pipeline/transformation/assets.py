"""Every dbt model as an asset of one op: branch the catalog, build and test there, publish, and only then report.

Dagster must not say that a table is new before readers can see it, so dbt's events are shown as progress while it
works, and the materialisations follow the publication. Checks are reported in any case: a refused run is exactly when
one wants to read them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetsDefinition,
    BackfillPolicy,
    Config,
    Failure,
    MaterializeResult,
    PartitionsDefinition,
    RetryRequested,
    multi_asset,
)
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError

from ecommerce_pipeline.lakehouse.branch import CANDIDATE
from ecommerce_pipeline.lakehouse.errors import PublicationConflict
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation import (
    as_of,
    broken_rules,
    candidate,
    dbt,
    facts,
    project,
    published,
    results,
    selection,
    translator,
    upstream,
)
from ecommerce_pipeline.transformation.dbt_process import RESULTS

OP_NAME = "models"
Event = MaterializeResult[Any] | AssetCheckResult


class BuildConfig(Config):
    """What a run may ask of dbt."""

    full_refresh: bool = Field(default=False, description="rebuild every table from the raw logs, incremental ones too")


def model_assets(settings: Settings, daily: PartitionsDefinition[str] | None = None) -> AssetsDefinition:
    """The dbt project as one multi-asset; `daily` are the partitions of the tables kept by as_of day."""
    manifest = project.manifest(settings)
    translate = translator.ModelTranslator(daily)
    asset_specs, check_specs = translator.specs(manifest, translate)

    @multi_asset(
        name=OP_NAME,
        specs=asset_specs,
        check_specs=check_specs,
        can_subset=True,
        allow_arbitrary_check_specs=True,
        backfill_policy=BackfillPolicy.single_run(),
        pool=f"branch_{CANDIDATE}",
    )
    def models(context: AssetExecutionContext, config: BuildConfig) -> Iterator[Event]:
        yield from _Build(context, settings, manifest, translate).run(config)

    return models


class _Build:
    """One run of the op; its parts share the context and what dbt left behind."""

    def __init__(
        self,
        context: AssetExecutionContext,
        settings: Settings,
        manifest: project.Manifest,
        translate: translator.ModelTranslator,
    ) -> None:
        self.context, self.settings, self.manifest, self.translate = context, settings, manifest, translate
        self.window = as_of.window_of(context)

    def run(self, config: BuildConfig) -> Iterator[Event]:
        with candidate.fresh(self.settings, holder=f"run {self.context.run.run_id}") as made:
            upstream.check(self.settings, self.manifest, selection.models(self.context), made.branch)
            invocation, outcome = self._build(made.branch, config)
            outcome = broken_rules.named(self.settings, self.manifest, made.branch, outcome)
            refused = [result for result in outcome if result.blocks]
            if not refused:
                self._publish(made)
                self._keep_project(outcome)
        if refused:
            yield from self._checks(outcome)
            raise _refusal(refused)
        yield from self._materialisations(outcome, invocation)
        yield from self._checks(outcome)

    def _build(self, branch: str, config: BuildConfig) -> tuple[dbt.Invocation, list[results.NodeResult]]:
        """dbt build on the branch, with its progress in the run's log."""
        target_path = project.build_dir(self.settings)
        (target_path / RESULTS).unlink(missing_ok=True)
        invocation = dbt.start(
            self.settings,
            ["build", *selection.arguments(self.context, self.manifest), *_flags(config)],
            project_dir=project.project_dir(self.settings),
            target_path=project.with_partial_parse(self.settings, target_path),
            environment={"SHOPSPHERE_BRANCH": branch, **self.window.environment()},
        )
        for event in invocation.events():
            self._say(event)
        if not (target_path / RESULTS).exists():
            raise Failure(dbt.failure_message(invocation, "dbt build"), allow_retries=False)
        return invocation, results.read(target_path)

    def _say(self, event: Mapping[str, Any]) -> None:
        info, data = event["info"], event["data"]
        if info["level"] == "error":
            self.context.log.error(info["msg"])
        elif info["level"] == "warn":
            self.context.log.warning(info["msg"])
        elif info["name"] in dbt.FINISHED and not data["node_info"]["unique_id"].startswith("test."):
            relation = data["node_info"]["node_relation"]
            where = f"{relation['schema']}.{relation['alias']}"
            self.context.log.info(f"{data['index']}/{data['total']} {where} in {data['execution_time']:.1f} s")

    def _publish(self, made: candidate.Candidate) -> None:
        try:
            publication = made.publish(self.settings)
        except PublicationConflict as conflict:
            # somebody else published in between: build again on what they published
            raise RetryRequested(max_retries=2, seconds_to_wait=1) from conflict
        tables = [f"{table.name} ({table.change}, {table.contents.rows:,} rows)" for table in publication.tables]
        self.context.log.info(f"published {len(tables)} tables at once: {', '.join(tables) or 'nothing had changed'}")

    def _keep_project(self, outcome: list[results.NodeResult]) -> None:
        """What is published is published: a project that cannot be kept only makes a later comparison see more."""
        built = {result.unique_id for result in outcome if result.status != "skipped"}
        try:
            published.keep(self.settings, self.manifest, built, everything=selection.is_whole(self.context))
        except SQLAlchemyError as error:
            self.context.log.warning(f"the published models were not kept for comparison: {error}")

    def _checks(self, outcome: list[results.NodeResult]) -> Iterator[AssetCheckResult]:
        expected = selection.checks_expected(self.context)
        yield from results.checks(outcome, self.manifest, self.translate, expected)

    def _materialisations(
        self, outcome: list[results.NodeResult], invocation: dbt.Invocation
    ) -> Iterator[MaterializeResult[Any]]:
        built = results.keys_built(outcome, self.manifest, self.translate)
        reporter = facts.Reporter(self.settings, self.manifest, invocation)
        for key, result in built.items():
            if key not in self.context.selected_asset_keys:
                continue
            metadata = reporter.metadata(key, result)
            if (day := self._day_built(key)) is None:
                yield MaterializeResult(asset_key=key, metadata=metadata)
            else:
                self.context.log_event(AssetMaterialization(key, partition=day, metadata=metadata))

    def _day_built(self, key: AssetKey) -> str | None:
        """The partition that a run without one has built: only the lake knows the day of the latest order."""
        days = self.context.assets_def.specs_by_key[key].partitions_def
        if days is None or not self.window.is_open:
            return None
        day = as_of.latest_day(self.settings, self.manifest, key)
        return day if day is not None and days.has_partition_key(day) else None


def _flags(config: BuildConfig) -> list[str]:
    # unit tests hold formulas, not data: they run in the test suite, not in every production run
    flags = ["--exclude-resource-type", "unit_test"]
    return [*flags, "--full-refresh"] if config.full_refresh else flags


def _refusal(refused: list[results.NodeResult]) -> Failure:
    names = [f"{'check' if result.is_test else 'model'} {result.name}: {result.reason}" for result in refused]
    return Failure(
        description="\n".join(
            [
                f"Nothing was published: {len(refused)} results stand against it. Readers keep the tables they had.",
                *names[:20],
                f"Next: `shopsphere branch list` shows the candidate {CANDIDATE}, kept for inspection; "
                "mend the cause and materialise again.",
            ]
        ),
        metadata={"refused": names},
        allow_retries=False,
    )
