"""The features of every day that was built, against what the sources knew on that day."""

from __future__ import annotations

from datetime import timedelta

from tests.acceptance.expected_features import expected_features


def test_every_day_ever_built_is_kept_and_knows_nothing_later(lake, loaded, signups, customers, orders, as_of):
    days = [day for (day,) in lake.execute("select distinct as_of from ml.customer_features order by 1").fetchall()]
    assert days == [as_of - timedelta(days=number) for number in reversed(range(len(loaded)))]
    for day in days:
        found = lake.execute(
            "select customer_id, days_since_signup, total_purchases, total_spent, avg_order_value,"
            " purchase_frequency_30d, days_since_last_purchase, churn_risk_score, segment"
            " from ml.customer_features where as_of = ? order by customer_id",
            [day],
        ).fetchall()
        assert found == expected_features(signups, customers, orders, day)


def test_the_segment_of_the_latest_features_is_the_customers_segment(lake, as_of):
    differing = lake.execute(
        "select customer_id from ml.customer_features as features"
        " full join growth.customer_segments as segments using (customer_id)"
        " where as_of = ? and features.segment is distinct from coalesce(segments.segment, 'no orders')",
        [as_of],
    ).fetchall()
    assert differing == []


def test_churn_risk_rises_every_day_without_a_purchase(lake):
    steps = lake.execute(
        "select earlier.churn_risk_score, later.churn_risk_score from ml.customer_features as earlier"
        " join ml.customer_features as later"
        " on later.customer_id = earlier.customer_id and later.as_of = earlier.as_of + 1"
        " and later.total_purchases = earlier.total_purchases"
    ).fetchall()
    assert steps
    assert all(0 <= earlier < later < 1 for earlier, later in steps)
