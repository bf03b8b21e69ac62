"""Housekeeping as assets, a step each: what it did and saved is kept by Dagster, which draws it over the weeks.

They stand in the order in which each step leaves the next one more, and hang on no table: they change how the lake is
kept, never what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import AssetKey, AssetsDefinition, FreshnessPolicy, MaterializeResult, asset

from ecommerce_pipeline.lakehouse import orphans
from ecommerce_pipeline.lakehouse import upkeep as lake
from ecommerce_pipeline.operations import old_runs
from ecommerce_pipeline.operations.upkeep import Policies
from ecommerce_pipeline.settings import Settings

GROUP = "upkeep"
WEEKLY = FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=15))
Done = Mapping[str, int | str]
Step = Callable[[Settings, Policies], Done]


def upkeep_assets(settings: Settings, policies: Callable[[], Policies]) -> Sequence[AssetsDefinition]:
    """The steps; each raises LeaseHeld while a run is building or a backup is put back, and can be made again then."""
    found = list[AssetsDefinition]()
    for name, step in STEPS.items():
        found.append(_asset(name, step, settings, policies, [one.key for one in found[-1:]]))
    return found


def _asset(
    name: str, step: Step, settings: Settings, policies: Callable[[], Policies], before: Sequence[AssetKey]
) -> AssetsDefinition:
    @asset(
        key=[GROUP, name],
        group_name=GROUP,
        deps=before,
        pool=GROUP,
        kinds={"python", "iceberg"},
        description=step.__doc__,
        freshness_policy=WEEKLY,
    )
    def done() -> MaterializeResult[Any]:
        return MaterializeResult(metadata=step(settings, policies()))

    return done


def branches(settings: Settings, _: Policies) -> Done:
    """Drops branches whose time is over: two weeks, unless somebody builds on them or another stands on them."""
    dropped = lake.drop_branches(settings)
    return {"branches_dropped": len(dropped), "names": ", ".join(branch.name for branch in dropped) or "none"}


def small_files(settings: Settings, policies: Policies) -> Done:
    """Puts small files together and sorts them, table by table as its policy says. A table that is written at the
    moment waits for the next time.
    """
    done = lake.compact(settings, policies)
    return {
        "tables": len(done),
        "files_before": sum(one.before for one in done),
        "files_after": sum(one.after for one in done),
    }


def old_snapshots(settings: Settings, policies: Policies) -> Done:
    """Forgets snapshots that nobody may go back to any more: a week, unless the table's policy says otherwise."""
    done = lake.expire(settings, policies=policies)
    return {
        "tables": len(done),
        "snapshots_dropped": sum(one.dropped for one in done),
        "snapshots_kept": sum(one.kept for one in done),
    }


def orphan_files(settings: Settings, _: Policies) -> Done:
    """Deletes files that nothing reaches and that are older than a day."""
    swept = orphans.sweep(settings)
    return {"files_deleted": len(swept.files), "bytes_freed": swept.bytes}


def finished_runs(settings: Settings, _: Policies) -> Done:
    """Lets Dagster forget runs of half a year ago that are the last word on nothing."""
    return {"runs_forgotten": old_runs.of(settings, datetime.now(UTC), forget=True)}


STEPS: Mapping[str, Step] = {
    step.__name__: step for step in (branches, small_files, old_snapshots, orphan_files, finished_runs)
}
