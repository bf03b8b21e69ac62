"""What ml.customer_features must hold for a day: only facts up to that day, told by the sources alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from tests.acceptance.exact import half_up, share
from tests.acceptance.expected_growth import expected_segments

Row = tuple[Any, ...]


def expected_features(
    signups: Mapping[int, date], customers: Mapping[int, date], orders: pl.DataFrame, as_of: date
) -> list[Row]:
    """customer_id, days_since_signup, total_purchases, total_spent, avg_order_value, purchase_frequency_30d,
    days_since_last_purchase, churn_risk_score, segment.
    """
    known = orders.filter(pl.col("order_date") <= as_of)
    by_customer = {key[0]: group for key, group in known.group_by("customer_id")}
    segments = expected_segments(known, as_of)
    rows = []
    for customer in sorted(customers):
        if signups[customer] > as_of:
            continue
        age = (as_of - signups[customer]).days
        if customer not in by_customer:
            never = (0, Decimal(0), None, Decimal(0), None, churn_risk(age, 1, 0), "no orders")
            rows.append((customer, age, *never))
            continue
        days = by_customer[customer]["order_date"].to_list()
        spent = sum(by_customer[customer]["revenue"].to_list(), Decimal(0))
        recent = sum(day > as_of - timedelta(days=30) for day in days)
        silence = (as_of - max(days)).days
        risk = churn_risk(silence, len(days), (max(days) - min(days)).days)
        bought = (len(days), spent, share(spent, len(days), 2), share(recent, 30), silence, risk)
        rows.append((customer, age, *bought, segments[customer][-1]))
    return rows


def churn_risk(silence: int, purchases: int, span: int) -> Decimal:
    """silence ÷ (silence + 2 · usual gap), the usual gap being (span + 30) ÷ purchases."""
    gap = Fraction(span + 30, purchases)
    return half_up(silence / (silence + 2 * gap), 6)
