"""What core.fct_sessions and core.fct_events_per_minute must hold, told by the collector's files alone."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import polars as pl

Row = tuple[Any, ...]


def expected_sessions(events: pl.DataFrame) -> list[Row]:
    """session_id, user_id, started_at, ended_at, event_count, product_views, carts, has_purchase, campaign_id,
    landing_event_type.
    """
    sessions = defaultdict(list)
    for row in events.sort("at", "event_id").iter_rows(named=True):
        sessions[row["session_id"]].append(row)
    rows = []
    for session, steps in sorted(sessions.items()):
        kinds = [step["event_type"] for step in steps]
        campaign = next((step["campaign_id"] for step in steps if step["campaign_id"] is not None), None)
        span = (steps[0]["at"], steps[-1]["at"], len(steps))
        counts = (kinds.count("view"), kinds.count("add_to_cart"), "purchase" in kinds)
        rows.append((session, steps[0]["user_id"], *span, *counts, campaign, kinds[0]))
    return rows


def expected_minutes(events: pl.DataFrame) -> list[Row]:
    """minute, event_type, events, users, late_events."""
    late = (pl.col("received_at") - pl.col("at") > timedelta(minutes=15)).sum().cast(pl.Int64)
    minute = pl.col("at").dt.truncate("1m").alias("minute")
    counted = events.group_by(minute, "event_type").agg(
        pl.len().cast(pl.Int64), pl.col("user_id").n_unique().alias("users"), late.alias("late")
    )
    return sorted(counted.select("minute", "event_type", "len", "users", "late").iter_rows())
