"""What the growth marts must hold (sign-ups, retention, segments, experiments), told by the sources alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from tests.acceptance.exact import WIDE, half_up, share

Row = tuple[Any, ...]
Z = Decimal("1.959963984540054")


def expected_signups(events: pl.DataFrame, customers: Mapping[int, date]) -> dict[int, date]:
    """The day each user signed up: by their first sign-up event, else by the shop's own record."""
    days = dict(customers)
    heard = events.filter(pl.col("event_type") == "signup").sort("day", descending=True)
    return days | dict(heard.select("user_id", "day").iter_rows())


def expected_daily_growth(
    signups: Mapping[int, date], events: pl.DataFrame, orders: pl.DataFrame, as_of: date
) -> list[Row]:
    """signup_date, sign_ups, activated_users, activation_rate, day_7_retention, day_30_retention, paying_customers,
    ltv; from the first sign-up to `as_of`.
    """
    bought, spent = defaultdict(set), defaultdict(Decimal)
    for user, day, revenue in orders.select("customer_id", "order_date", "revenue").iter_rows():
        if day <= as_of:
            bought[user].add(day)
            spent[user] += revenue
    seen = defaultdict(set)
    for user, day in events.filter(pl.col("day") <= as_of).select("user_id", "day").unique().iter_rows():
        seen[user].add(day)

    def within(user: int, days: set[date], first: int, last: int) -> bool:
        return any(first <= (day - signups[user]).days <= last for day in days)

    rows = []
    first_day = min(signups.values())
    for age in reversed(range((as_of - first_day).days + 1)):
        day = as_of - timedelta(days=age)
        users = [user for user, signed_up in signups.items() if signed_up == day]
        activated = sum(within(user, bought[user], 0, 7) for user in users)
        later = [sum(within(user, bought[user] | seen[user], first, 90) for user in users) for first in (7, 30)]
        shares = [share(count, len(users)) if age >= 90 else None for count in later]
        activation = share(activated, len(users)) if age >= 7 else None
        paying = sum(bool(bought[user]) for user in users)
        ltv = share(sum((spent[user] for user in users), Decimal(0)), len(users), 2)
        rows.append((day, len(users), activated, activation, *shares, paying, ltv))
    return rows


def expected_cohort_retention(orders: pl.DataFrame, as_of: date) -> list[Row]:
    """cohort_month, months_since, customers, retained, retention_rate."""
    months = defaultdict(set)
    for customer, day in orders.select("customer_id", "order_date").iter_rows():
        if day <= as_of:
            months[customer].add(day.year * 12 + day.month - 1)
    now = as_of.year * 12 + as_of.month - 1
    month_is_over = (as_of + timedelta(days=1)).day == 1
    rows = []
    for cohort in sorted({min(found) for found in months.values()}):
        members = [found for found in months.values() if min(found) == cohort]
        for month in range(cohort, now + 1):
            retained = sum(month in found for found in members)
            rate = share(retained, len(members)) if month < now or month_is_over else None
            rows.append((date(cohort // 12, cohort % 12 + 1, 1), month - cohort, len(members), retained, rate))
    return rows


def expected_segments(orders: pl.DataFrame, as_of: date) -> dict[int, Row]:
    """By customer: recency_days, frequency, monetary, the three quintiles and the segment's name."""
    days, spent = defaultdict(list), defaultdict(Decimal)
    for customer, day, revenue in orders.select("customer_id", "order_date", "revenue").iter_rows():
        if day <= as_of:
            days[customer].append(day)
            spent[customer] += revenue
    facts = {who: ((as_of - max(found)).days, len(found), spent[who]) for who, found in days.items()}
    recency = _quintiles({who: -fact[0] for who, fact in facts.items()})
    frequency = _quintiles({who: fact[1] for who, fact in facts.items()})
    monetary = _quintiles({who: fact[2] for who, fact in facts.items()})
    scores = {who: (recency[who], frequency[who], monetary[who]) for who in facts}
    return {who: (*facts[who], *scores[who], segment(*scores[who])) for who in facts}


def _quintiles(values: Mapping[int, Any]) -> dict[int, int]:
    """1 to 5 by value, ties by customer; when five does not divide the number, the first quintiles are one larger."""
    ranked = sorted(values, key=lambda who: (values[who], who))
    size, larger = divmod(len(ranked), 5)
    ends = [size * number + min(number, larger) for number in range(1, 6)]
    return {who: next(n for n, end in enumerate(ends, 1) if place < end) for place, who in enumerate(ranked)}


def segment(recency: int, frequency: int, monetary: int) -> str:
    """The segment's name, as the data dictionary defines it."""
    if recency >= 4 and frequency >= 4 and monetary >= 4:
        return "champions"
    if recency >= 3 and frequency >= 3:
        return "loyal"
    if recency >= 3:
        return "promising" if recency >= 4 else "needs attention"
    if frequency >= 4 and monetary >= 4:
        return "cannot lose"
    return "at risk" if frequency >= 3 else "hibernating"


def expected_experiments(events: pl.DataFrame, as_of: date) -> list[Row]:
    """experiment, variant, users, conversions, conversion_rate, lift, and the bounds of Wilson's interval."""
    known = events.filter(pl.col("day") <= as_of)
    bought = dict(
        known.filter(pl.col("event_type") == "purchase").group_by("user_id").agg(pl.col("at").max()).iter_rows()
    )
    shown = known.filter(pl.col("experiment").is_not_null(), pl.col("variant").is_not_null()).sort("at", "event_id")
    first: dict[tuple[str, int], tuple[str, Any]] = {}
    for experiment, variant, user, at in shown.select("experiment", "variant", "user_id", "at").iter_rows():
        first.setdefault((experiment, user), (variant, at))
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for (experiment, user), (variant, at) in first.items():
        counts[experiment, variant][0] += 1
        counts[experiment, variant][1] += user in bought and bought[user] >= at
    rows = []
    for (experiment, variant), (users, conversions) in sorted(counts.items()):
        control_users, control = counts.get((experiment, "control"), (0, 0))
        lift = share(conversions * control_users - control * users, control * users)
        bounds = wilson(conversions, users)
        rows.append((experiment, variant, users, conversions, share(conversions, users), lift, *bounds))
    return rows


def wilson(successes: int, trials: int) -> tuple[Decimal, Decimal]:
    """Wilson's 95 % score interval, computed with 80 digits by its textbook form: centre ∓ margin."""
    p, n = WIDE.divide(Decimal(successes), Decimal(trials)), Decimal(trials)
    z2_over_n = WIDE.divide(WIDE.multiply(Z, Z), n)
    centre = WIDE.add(p, z2_over_n / 2)
    spread = WIDE.add(WIDE.divide(WIDE.multiply(p, 1 - p), n), WIDE.divide(z2_over_n, 4 * n))
    margin = WIDE.multiply(Z, spread.sqrt(WIDE))
    low, high = (WIDE.divide(edge, 1 + z2_over_n) for edge in (WIDE.subtract(centre, margin), WIDE.add(centre, margin)))
    return half_up(low, 6), half_up(high, 6)
