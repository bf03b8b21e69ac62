"""Housekeeping of the lake with the settings a small team needs: a week of time travel, a day of grace for files of
crashed writers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ecommerce_pipeline.lakehouse import upkeep as lake
from ecommerce_pipeline.settings import Settings

KEEP_DAYS = 7
KEEP_LAST = 3
ORPHAN_AGE = timedelta(days=1)


def run(settings: Settings) -> Iterator[str]:
    """Drop old branches, expire, then sweep; yields one line for the log after each."""
    yield f"branches dropped: {[branch.name for branch in lake.drop_branches(settings)]}"
    yield f"snapshots expired: {lake.expire(settings, keep_days=KEEP_DAYS, keep_last=KEEP_LAST)}"
    yield f"files removed: {lake.sweep(settings, older_than=ORPHAN_AGE)}"
