"""What a run did, as OpenLineage events: one job an asset, with what it read, what it wrote, and column from column.

Written from Dagster's event log when a run ends, so that ingestion, dbt's models and the dashboards speak in one way
and a step that died is told of as well. Off until the settings name a server or a file. Which run is to be told of is
kept in the outbox, its events are made again from the log whenever they are sent: a server that is down misses none.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from dagster import AssetKey, AssetMaterialization, DagsterEventType, DagsterInstance

from ecommerce_pipeline.lakehouse import database, lease
from ecommerce_pipeline.lakehouse.errors import LeaseHeld
from ecommerce_pipeline.operations import outbox
from ecommerce_pipeline.operations.asset_graph import Graph
from ecommerce_pipeline.operations.outbox import Unreachable
from ecommerce_pipeline.settings import Settings

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent
    from openlineage.client.transport import Transport

NAMESPACE = "shopsphere"  # of the jobs
PRODUCER = "https://dagster.io"
SECONDS = 10.0
TOPIC = "lineage"  # in the outbox, and the lease of whoever sends


def emit(settings: Settings, instance: DagsterInstance, graph: Graph, run_id: str) -> None:
    """Keep that an ended run is to be told of, then send what is due; raises Unreachable if something was not taken,
    which is sent again at the next run's end and by Dagster's sensor `alerts`.
    """
    now = datetime.now(UTC)
    with database.transaction(settings) as connection:
        outbox.put(connection, TOPIC, _receiver(settings), run_id, now)
    if failures := send(settings, instance, graph, now):
        raise Unreachable(f"{'; '.join(failures)}. They are kept and sent again")


def send(settings: Settings, instance: DagsterInstance, graph: Graph, now: datetime) -> list[str]:
    """Tell of the runs that wait and are due, in order; what could not be told, a line a run. Nothing while somebody
    else is sending.
    """

    def tell(delivery: outbox.Delivery) -> None:
        _tell(settings, events(settings, instance, graph, delivery.body))

    def sender(receiver: str) -> outbox.Send | None:
        return tell if receiver == _receiver(settings) else None

    try:
        with lease.hold(settings, [TOPIC], "the lineage events"):
            return outbox.send(settings, TOPIC, sender, now)[1]
    except LeaseHeld:
        return []


def _receiver(settings: Settings) -> str:
    """The file, or the server without what may be secret in its address; empty when the settings name none."""
    if settings.openlineage_url:
        return f"lineage:{urlsplit(settings.openlineage_url).hostname}"
    return f"lineage:{settings.openlineage_file}" if settings.openlineage_file else ""


def _tell(settings: Settings, told: Iterator[RunEvent]) -> None:
    """A run's events; those that were taken before one was not are sent again with it, by the same ids."""
    where, made = _receiver(settings), list(told)  # an error in making them is not the receiver's
    try:
        transport = _transport(settings)
        for event in made:
            transport.emit(event)
    except requests.HTTPError as error:
        raise outbox.answered(where, error.response.status_code if error.response is not None else 0) from None
    except (OSError, ValueError, RuntimeError) as error:  # requests' own are OSErrors; ValueError: it is no address
        raise Unreachable(f"{where}: {' '.join(str(error).split())[:300]}") from None


def events(settings: Settings, instance: DagsterInstance, graph: Graph, run_id: str) -> Iterator[RunEvent]:
    """A START and a COMPLETE for each asset that the run made, a START and a FAIL for each other that it planned."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return
    stats = instance.get_run_stats(run_id)
    began, ended = _moment(stats.start_time), _moment(stats.end_time)
    planned, made = _planned_and_made(instance, run_id)
    one = _Run(settings, graph, run_id, run.job_name)
    for key in sorted(planned | made.keys()):
        yield one.event("START", began, key, None)
        yield one.event("COMPLETE" if key in made else "FAIL", ended, key, made.get(key))


class _Run:
    """What the events of one run have in common."""

    def __init__(self, settings: Settings, graph: Graph, run_id: str, job: str) -> None:
        self._settings, self._graph, self._run_id, self._job = settings, graph, run_id, job

    def event(self, state: str, at: str, key: AssetKey, made: AssetMaterialization | None) -> RunEvent:
        """One event about one asset."""
        from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
        from openlineage.client.facet_v2 import parent_run

        parent = parent_run.ParentRunFacet(
            parent_run.Run(self._run_id), parent_run.Job(NAMESPACE, self._job), producer=PRODUCER
        )
        return RunEvent(
            eventType=RunState[state],
            eventTime=at,
            run=Run(str(uuid.uuid5(uuid.UUID(self._run_id), key.to_user_string())), {"parent": parent}),
            job=Job(NAMESPACE, _name(key)),
            producer=PRODUCER,
            inputs=self._inputs(key),
            outputs=[self._output(key, made)],
        )

    def _inputs(self, key: AssetKey) -> list[InputDataset]:
        from openlineage.client.event_v2 import InputDataset

        parents = self._graph.get(key).parent_keys if self._graph.has(key) else ()
        return [InputDataset(self._namespace(parent), _name(parent)) for parent in sorted(parents)]

    def _output(self, key: AssetKey, made: AssetMaterialization | None) -> OutputDataset:
        from openlineage.client.event_v2 import OutputDataset
        from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

        metadata: dict[str, Any] = {name: one.value for name, one in made.metadata.items()} if made else {}
        held = statistics.OutputStatisticsOutputDatasetFacet(
            metadata.get("dagster/row_count"), metadata.get("bytes"), producer=PRODUCER
        )
        facets = {**self._columns(metadata), **self._column_lineage(metadata)}
        return OutputDataset(
            self._namespace(key), _name(key), facets=facets, outputFacets={"outputStatistics": held} if made else {}
        )

    def _columns(self, metadata: dict[str, Any]) -> dict[str, Any]:
        from openlineage.client.facet_v2 import schema_dataset as schema

        if (found := metadata.get("dagster/column_schema")) is None:
            return {}
        fields = [schema.SchemaDatasetFacetFields(one.name, one.type, one.description) for one in found.columns]
        return {"schema": schema.SchemaDatasetFacet(fields, producer=PRODUCER)}

    def _column_lineage(self, metadata: dict[str, Any]) -> dict[str, Any]:
        from openlineage.client.facet_v2 import column_lineage_dataset as lineage

        if (found := metadata.get("dagster/column_lineage")) is None:
            return {}
        fields = {
            column: lineage.Fields(
                [lineage.InputField(self._namespace(d.asset_key), _name(d.asset_key), d.column_name) for d in deps]
            )
            for column, deps in found.deps_by_column.items()
        }
        return {"columnLineage": lineage.ColumnLineageDatasetFacet(fields, producer=PRODUCER)}

    def _namespace(self, key: AssetKey) -> str:
        """Where the dataset stands: the lake, or the system it comes from or is shown by."""
        group = self._graph.get(key).group_name if self._graph.has(key) else ""
        if group in ("sources", "dashboards", "upkeep"):
            return f"{NAMESPACE}://{key.path[0]}"
        return self._settings.warehouse


def _planned_and_made(
    instance: DagsterInstance, run_id: str
) -> tuple[set[AssetKey], dict[AssetKey, AssetMaterialization]]:
    kinds = {DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_MATERIALIZATION}
    entries = instance.all_logs(run_id, of_type=kinds)
    planned = {entry.dagster_event.asset_key for entry in entries if entry.dagster_event}
    made = {one.asset_key: one for entry in entries if (one := entry.asset_materialization)}
    return {key for key in planned if key is not None}, made


def _transport(settings: Settings) -> Transport:
    if settings.openlineage_url:
        from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

        key = settings.openlineage_api_key.get_secret_value()
        auth = ApiKeyTokenProvider({"apiKey": key}) if key else TokenProvider({})
        return HttpTransport(HttpConfig(settings.openlineage_url, timeout=SECONDS, auth=auth, retry={"total": 2}))
    from openlineage.client.transport.file import FileConfig, FileTransport

    return FileTransport(FileConfig(settings.openlineage_file, append=True))


def _name(key: AssetKey) -> str:
    return ".".join(key.path)


def _moment(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds or 0.0, UTC).isoformat()
