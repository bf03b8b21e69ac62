"""The web's facts against the collector's files."""

from __future__ import annotations

from tests.acceptance.expected_web import expected_minutes, expected_sessions


def test_every_session_tells_what_its_events_were(lake, events):
    found = lake.execute(
        "select session_id, user_id, started_at, ended_at, event_count, product_views, carts, has_purchase,"
        " campaign_id, landing_event_type from core.fct_sessions order by session_id"
    ).fetchall()
    assert found == expected_sessions(events)


def test_every_minute_counts_the_events_that_happened_in_it(lake, events):
    found = lake.execute(
        "select minute, event_type, events, users, late_events from core.fct_events_per_minute"
        " order by minute, event_type"
    ).fetchall()
    assert found == expected_minutes(events)
