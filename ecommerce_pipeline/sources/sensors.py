"""A changed source flows through: a look at every source, and a run of what hangs on those that changed.

Off until somebody switches it on in the UI. A look costs a few queries and reads no rows. What changed is remembered
only once a run was requested for it, so an outage of days is caught up by one run; while a run of the same job is at
work nothing is requested, because that run may be reading the change already.
"""

import json
from collections.abc import Iterable

from dagster import (
    AssetKey,
    AssetSelection,
    DagsterInstance,
    DagsterRunStatus,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.sources.assets import look, texts
from ecommerce_pipeline.sources.observation import SourceError
from ecommerce_pipeline.streams import extractors

AT_WORK = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
Versions = dict[str, str]  # source asset, schema/table → what changes when the source does


def sensors(settings: Settings, job_name: str) -> list[SensorDefinition]:
    """The sensor that requests runs of `job_name`, a job over the whole graph."""

    @sensor(
        name="sources_changed",
        job_name=job_name,
        minimum_interval_seconds=300,
        description="Looks at every source, new files too, and runs what hangs on those that changed.",
    )
    def sources_changed(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        if is_at_work(context.instance, job_name):
            return SkipReason(f"a run of {job_name} is at work")
        before: Versions = json.loads(context.cursor or "{}")
        seen, silent = versions(settings)
        changed = sorted(key for key, version in seen.items() if before.get(key) != version)
        for line in silent:
            context.log.warning(line)
        if not changed:
            return SensorResult(skip_reason=f"{len(seen)} source tables are as they were; {len(silent)} did not answer")
        assert context.repository_def is not None  # noqa: S101 (the daemon always gives it)
        request = run_of(context.repository_def.asset_graph, changed)
        return SensorResult(run_requests=[request], cursor=json.dumps({**before, **seen}))

    return [sources_changed]


def is_at_work(instance: DagsterInstance, job_name: str) -> bool:
    """Whether a run of the job waits or works, whoever started it."""
    return bool(instance.get_runs(RunsFilter(job_name=job_name, statuses=AT_WORK), limit=1))


def versions(settings: Settings) -> tuple[Versions, list[str]]:
    """What every source says of itself, and a line for each that does not answer: it keeps its last version."""
    seen, silent = Versions(), list[str]()
    for extractor in extractors(settings):
        try:
            found = look(extractor, texts(settings, extractor), list(extractor.streams))
        except SourceError as error:
            silent.append(f"{extractor.system} could not be looked at. {error}")
            continue
        seen |= {stream.source_key.to_user_string(): found[stream.stream_id].version for stream in extractor.streams}
    return seen, silent


def run_of(graph: BaseAssetGraph, changed: Iterable[str]) -> RunRequest:  # type: ignore[type-arg]
    """One run of everything below the changed sources that the lake holds: read, built and published at once.

    Without a run key: a source that changes and changes back has the same versions, and is a change all the same.
    """
    known = [key for text in changed if graph.has(key := AssetKey.from_user_string(text))]
    below = AssetSelection.assets(*known).downstream(include_self=False).resolve(graph)
    chosen = sorted(key for key in below & graph.materializable_asset_keys if key.path[0] != "dashboards")
    return RunRequest(asset_selection=chosen, tags={"shopsphere/changed": ", ".join(changed)[:200]})
