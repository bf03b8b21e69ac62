"""A run as a transaction: the catalog branch on which dbt builds and tests, and which is published whole or not at all.

One candidate stands at a time, under a lease. A run that is refused keeps its branch for inspection; the next run,
which holds the lease and so knows that nobody works on it, drops it and starts from the lake as it is then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ecommerce_pipeline.lakehouse import branch, lease
from ecommerce_pipeline.lakehouse.branch import CANDIDATE
from ecommerce_pipeline.lakehouse.publish import Publication, publish
from ecommerce_pipeline.settings import Settings

WAIT_SECONDS = 600.0


class Candidate(NamedTuple):
    """The branch as the run holds it that made it."""

    branch: str
    lease: lease.Lease

    def publish(self, settings: Settings) -> Publication:
        """Publish what this run built. Raises LeaseLost if another run has replaced it, whose branch of the same name
        this would be, and what `publish` raises; production is then as it was.
        """
        return publish(settings, self.branch, self.lease)


@contextmanager
def fresh(settings: Settings, holder: str) -> Iterator[Candidate]:
    """A new branch of the lake, alone on it; raises lease.LeaseHeld, naming the holder, if another run does not let
    go in time.
    """
    with lease.hold(settings, [f"branch:{CANDIDATE}"], holder, wait_seconds=WAIT_SECONDS) as held:
        if CANDIDATE in {existing.name for existing in branch.list_branches(settings)}:
            branch.drop(settings, CANDIDATE)
        branch.create(settings, CANDIDATE)
        yield Candidate(CANDIDATE, held)
