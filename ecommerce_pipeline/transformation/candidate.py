"""A run as a transaction: the catalog branch on which dbt builds and tests, and which is published whole or not at all.

One candidate stands at a time, under a lease. A run that is refused keeps its branch for inspection; the next run,
which holds the lease and so knows that nobody works on it, drops it and starts from the lake as it is then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ecommerce_pipeline.lakehouse import branch, lease
from ecommerce_pipeline.lakehouse.branch import CANDIDATE
from ecommerce_pipeline.settings import Settings

WAIT_SECONDS = 600.0


@contextmanager
def fresh(settings: Settings, holder: str) -> Iterator[str]:
    """A new branch of the lake, alone on it; raises lease.LeaseHeld, naming the holder, if another run does not let
    go in time.
    """
    with lease.hold(settings, [f"branch:{CANDIDATE}"], holder, wait_seconds=WAIT_SECONDS):
        if CANDIDATE in {existing.name for existing in branch.list_branches(settings)}:
            branch.drop(settings, CANDIDATE)
        branch.create(settings, CANDIDATE)
        yield CANDIDATE
