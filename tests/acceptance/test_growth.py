"""The growth marts against the collector's files and the package's purchases."""

from __future__ import annotations

from tests.acceptance.expected_growth import (
    expected_cohort_retention,
    expected_daily_growth,
    expected_experiments,
    expected_segments,
)


def test_signup_cohorts_are_told_when_their_windows_have_closed(lake, signups, events, orders, as_of):
    known = {user: day for user, day in signups.items() if day <= as_of}
    found = lake.execute(
        "select signup_date, sign_ups, activated_users, activation_rate, day_7_retention, day_30_retention,"
        " paying_customers, ltv from growth.daily_growth order by signup_date"
    ).fetchall()
    assert found == expected_daily_growth(known, events, orders, as_of)


def test_monthly_cohorts_are_retained_as_their_orders_say(lake, orders, as_of):
    found = lake.execute(
        "select cohort_month, months_since, customers, retained, retention_rate from growth.cohort_retention"
        " order by cohort_month, months_since"
    ).fetchall()
    assert found == expected_cohort_retention(orders, as_of)


def test_customers_fall_into_segments_by_their_own_orders(lake, orders, as_of):
    found = lake.execute(
        "select customer_id, recency_days, frequency, monetary, recency_quintile, frequency_quintile,"
        " monetary_quintile, segment from growth.customer_segments"
    ).fetchall()
    assert {row[0]: row[1:] for row in found} == expected_segments(orders, as_of)


def test_experiments_are_judged_by_wilsons_interval(lake, events, as_of):
    found = lake.execute(
        "select experiment, variant, users, conversions, conversion_rate, lift,"
        " conversion_rate_low, conversion_rate_high from growth.experiment_results order by experiment, variant"
    ).fetchall()
    assert found == expected_experiments(events, as_of)
    assert {row[1] for row in found} == {"control", "treatment"}
