"""Housekeeping of the lake, first as a plan and then done: old branches, small files, old snapshots, files that nothing
reaches, runs of long ago. A week of time travel unless a table's policy says otherwise, a day of grace for files of
crashed writers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from ecommerce_pipeline.lakehouse import orphans
from ecommerce_pipeline.lakehouse import upkeep as lake
from ecommerce_pipeline.lakehouse.compaction import Policy
from ecommerce_pipeline.lakehouse.orphans import Sweep
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.lakehouse.upkeep import Compacted, Expired
from ecommerce_pipeline.operations import old_runs
from ecommerce_pipeline.settings import Settings

Policies = Mapping[Name, Policy]


class Upkeep(NamedTuple):
    """What was done, or as a plan would be: what compaction and expiry give up goes with the sweep a day later."""

    branches: tuple[str, ...]
    compacted: tuple[Compacted, ...]
    expired: tuple[Expired, ...]
    swept: Sweep
    runs: int

    def lines(self) -> Iterator[str]:
        """A line for the log each."""
        files = sum(one.before for one in self.compacted)
        instead = sum(one.after for one in self.compacted)
        yield f"branches dropped: {', '.join(self.branches) or 'none'}"
        yield f"small files put together: {files:,} into {instead:,}, in {len(self.compacted)} tables"
        yield f"snapshots expired: {sum(one.dropped for one in self.expired):,}, in {len(self.expired)} tables"
        yield f"files removed: {self.swept}"
        yield f"runs forgotten by Dagster: {self.runs:,}"


def plan(settings: Settings, policies: Policies) -> Upkeep:
    """What there is to do; changes nothing. Raises LakehouseError."""
    over = [branch.name for branch in lake.drop_branches(settings, dry_run=True)]
    compacted = lake.compact(settings, policies, dry_run=True)
    expired = lake.expire(settings, policies=policies, dry_run=True)
    swept = orphans.sweep(settings, dry_run=True)
    return Upkeep(tuple(over), tuple(compacted), tuple(expired), swept, old_runs.of(settings, datetime.now(UTC)))


def run(settings: Settings, policies: Policies, say: Callable[[str], None] = lambda _: None) -> Upkeep:
    """Do it all, in the order in which each step leaves the next one more; raises LeaseHeld while a run is building or
    a backup is put back.
    """
    say("branches whose time is over")
    dropped = tuple(branch.name for branch in lake.drop_branches(settings))
    say("small files")
    compacted = tuple(lake.compact(settings, policies))
    say("old snapshots")
    expired = tuple(lake.expire(settings, policies=policies))
    say("files that nothing reaches")
    swept = orphans.sweep(settings)
    say("runs of long ago")
    return Upkeep(dropped, compacted, expired, swept, old_runs.of(settings, datetime.now(UTC), forget=True))
