"""What marketing.daily_funnel and marketing.campaign_performance must hold, told by the sources alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from tests.acceptance.exact import share

STEPS = ("visit", "click", "signup")
Row = tuple[Any, ...]


def expected_daily_funnel(events: pl.DataFrame, as_of: date) -> list[Row]:
    """funnel_date, campaign_id, visits, clicks, signups, conversion_rate; from the first event's day to `as_of`."""
    users: dict[tuple[date, int], dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for day, campaign, kind, user in events.select("day", "campaign_id", "event_type", "user_id").iter_rows():
        if day <= as_of and kind in STEPS:
            users[day, campaign or 0][kind].add(user)
    first: date = events["day"].min()
    for number in range((as_of - first).days + 1):
        users[first + timedelta(days=number), 0]  # a day without events has its row
    counted = {key: [len(found[step]) for step in STEPS] for key, found in users.items()}
    return sorted((*key, *counts, share(100 * counts[2], counts[0], 2)) for key, counts in counted.items())


def expected_campaigns(
    objects: Mapping[str, Iterable[Mapping[str, Any]]], orders: pl.DataFrame, as_of: date
) -> list[Row]:
    """campaign_id, members, reached, opened, clicked, redemptions, redeeming_customers, revenue, redemption_rate.

    `objects` are the API's, by type, every property the text it was sent as.
    """
    spent: dict[tuple[int, date], Decimal] = defaultdict(Decimal)
    for customer, day, revenue in orders.select("customer_id", "order_date", "revenue").iter_rows():
        spent[customer, day] += revenue
    members = _contacts(objects["campaign_members"], "joined_at", as_of)
    emails = {
        kind: _contacts((one for one in objects["email_events"] if one["event_type"] == kind), "occurred_at", as_of)
        for kind in ("sent", "opened", "clicked")
    }
    rows = []
    for campaign in sorted(int(one["id"]) for one in objects["campaigns"]):
        redeemed = _redemptions(objects["coupon_redemptions"], campaign, as_of)
        who = {customer for customer, _ in redeemed}
        reached = [len(emails[kind][campaign]) for kind in ("sent", "opened", "clicked")]
        revenue = sum((spent[key] for key in redeemed), Decimal(0))
        rate = share(len(who), len(members[campaign]))
        rows.append((campaign, len(members[campaign]), *reached, redeemed.total(), len(who), revenue, rate))
    return rows


def _contacts(objects: Iterable[Mapping[str, Any]], when: str, as_of: date) -> dict[int, set[int]]:
    """Distinct contacts by campaign, of objects that are not archived and happened by `as_of`."""
    found: dict[int, set[int]] = defaultdict(set)
    for one in objects:
        if not one["archived"] and date.fromisoformat(one[when][:10]) <= as_of:
            found[int(one["campaign_id"])].add(int(one["contact_id"]))
    return found


def _redemptions(objects: Iterable[Mapping[str, Any]], campaign: int, as_of: date) -> Counter[tuple[int, date]]:
    """Coupons of the campaign by customer and day; an object that was delivered twice counts once."""
    once = {one["id"]: one for one in objects if int(one["campaign_id"]) == campaign and not one["archived"]}
    days = ((int(one["contact_id"]), date.fromisoformat(one["redemption_date"])) for one in once.values())
    return Counter(key for key in days if key[1] <= as_of)
