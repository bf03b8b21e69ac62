"""Runs that Dagster may forget: over for half a year, and not the last word on an asset, on one of its days, or on a
check. What a run did to each table stays in ops.pipeline_runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dagster import AssetKey, AssetRecordsFilter, DagsterEventType, DagsterInstance, RunsFilter
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy import delete, func, select

from ecommerce_pipeline.operations.instance import open_instance
from ecommerce_pipeline.settings import Settings

KEPT = timedelta(days=180)
AT_ONCE = 500


def of(settings: Settings, now: datetime, *, forget: bool = False) -> int:
    """How many there are as of `now` (UTC); gone when this returns, if asked to `forget` them."""
    if not (settings.dagster_home / "dagster.yaml").exists():
        return 0  # no run yet
    with open_instance(settings) as instance:
        over = list(_over(instance, now.astimezone(UTC) - KEPT))
        for run_id in over if forget else ():
            _forget(instance, run_id)
    return len(over)


def _over(instance: DagsterInstance, before: datetime) -> Iterator[str]:
    ended = instance.get_run_records(RunsFilter(statuses=list(FINISHED_STATUSES), created_before=before))
    last = _last_words(instance) if ended else set()
    for record in ended:
        if record.dagster_run.run_id not in last:
            yield record.dagster_run.run_id


def _last_words(instance: DagsterInstance) -> set[str]:
    """Runs without which the UI would know less of an asset or a check as it is."""
    found = set[str | None]()
    for record in instance.get_asset_records():
        entry = record.asset_entry
        found |= {entry.last_run_id, entry.last_planned_materialization_run_id}
        found |= {one.run_id for one in (entry.last_materialization_record, entry.last_observation_record) if one}
        found |= set(_of_partitions(instance, entry.asset_key))
    with _events(instance).index_connection() as connection:
        latest = select(func.max(Checks.c.id)).group_by(Checks.c.asset_key, Checks.c.check_name)
        found |= set(connection.scalars(select(Checks.c.run_id).where(Checks.c.id.in_(latest))))
    return {run_id for run_id in found if run_id}


def _of_partitions(instance: DagsterInstance, key: AssetKey) -> Iterator[str]:
    latest = _events(instance).get_latest_storage_id_by_partition(key, DagsterEventType.ASSET_MATERIALIZATION)
    numbers = sorted(latest.values())
    for start in range(0, len(numbers), AT_ONCE):
        wanted = AssetRecordsFilter(asset_key=key, storage_ids=numbers[start : start + AT_ONCE])
        yield from (record.run_id for record in instance.fetch_materializations(wanted, limit=AT_ONCE).records)


def _forget(instance: DagsterInstance, run_id: str) -> None:
    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    with _events(instance).index_connection() as connection:  # Dagster leaves these behind
        connection.execute(delete(Checks).where(Checks.c.run_id == run_id))


def _events(instance: DagsterInstance) -> SqlEventLogStorage:
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)  # noqa: S101 (both profiles configure one)
    return storage
