"""What the last publication says of itself: sources of which too much is held back, and revenue out of the ordinary.

Asked only after a run has ended, because nothing else changes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dagster import AssetKey

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.operations.alerts.findings import Wrong
from ecommerce_pipeline.settings import Settings

KINDS = ("quarantine", "revenue")
SCORECARD, ANOMALIES = ("quality", "scorecard"), ("finance", "revenue_anomalies")
FEW = 20  # records: below that, a share says nothing
# the last load that brought records of the table, not the last run: one that brings none mends none
HELD_SQL = (
    "select source_system || '.' || source_table, max_by(owner, commit_seq), max_by(rows_checked, commit_seq), "
    "max_by(held, commit_seq) from quality.scorecard group by 1"
)
LATEST_DAY_SQL = (
    "select revenue_date, revenue, expected, robust_z, is_anomaly from finance.revenue_anomalies "
    "order by revenue_date desc limit 1"
)


def findings(settings: Settings, now: datetime) -> Iterator[Wrong]:
    """What is wrong with what readers see; nothing before the first publication. Raises LakehouseError."""
    with open_catalog(settings) as catalog:
        there = {name for name in (SCORECARD, ANOMALIES) if catalog.table_exists(name)}
    if not there:
        return
    with reader.connect(settings) as lake:
        if SCORECARD in there:
            for row in lake.execute(HELD_SQL).fetchall():
                yield from _held(settings, row, now)
        if ANOMALIES in there:
            for row in lake.execute(LATEST_DAY_SQL).fetchall():
                yield from _unusual(row, now)


def _held(settings: Settings, row: Any, now: datetime) -> Iterator[Wrong]:
    table, owner, checked, held = str(row[0]), str(row[1]), int(row[2]), int(row[3])
    share = held / checked if checked else 0.0
    if held < FEW or share <= settings.alerts_quarantine_share:
        return
    what = f"{share:.1%} of what {table} sent last is held back"
    cause = (
        f"{held:,} of {checked:,} records broke a rule that holds them back, the limit is "
        f"{settings.alerts_quarantine_share:.1%}. `shopsphere quarantine list --table {table}` shows which."
    )
    system, _, name = table.partition(".")
    tables = (AssetKey([f"raw_{system}", name]),)
    yield Wrong(f"quarantine:{table}", "quarantine", what, now, cause, tables, (owner,))


def _unusual(row: Any, now: datetime) -> Iterator[Wrong]:
    day, revenue, expected, distance, is_anomaly = row
    if not is_anomaly:
        return
    what = f"revenue of {day} is ${revenue:,.2f}, where ${expected:,.2f} was expected"
    cause = (
        f"That is {distance:+.1f} robust deviations from the same weekday in the eight weeks before. Either the "
        "business had such a day, or a source sent a part, or sent it twice."
    )
    yield Wrong("revenue:latest", "revenue", what, now, cause, (AssetKey(list(ANOMALIES)),))
