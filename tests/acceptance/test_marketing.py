"""The marketing marts against the collector's files, the HubSpot-like API and the package's purchases."""

from __future__ import annotations

from tests.acceptance import sources
from tests.acceptance.expected_marketing import expected_campaigns, expected_daily_funnel

TYPES = ("campaigns", "campaign_members", "coupon_redemptions", "email_events")


def test_the_funnel_counts_distinct_users_by_day_and_campaign(lake, events, as_of):
    found = lake.execute(
        "select funnel_date, campaign_id, visits, clicks, signups, conversion_rate from marketing.daily_funnel"
        " order by funnel_date, campaign_id"
    ).fetchall()
    assert found == expected_daily_funnel(events, as_of)


def test_each_campaign_tells_whom_it_reached_and_what_its_coupons_brought(lake, settings, orders, as_of):
    objects = {kind: sources.hubspot(settings, kind) for kind in TYPES}
    found = lake.execute(
        "select campaign_id, members, reached, opened, clicked, redemptions, redeeming_customers, revenue,"
        " redemption_rate from marketing.campaign_performance order by campaign_id"
    ).fetchall()
    assert found == expected_campaigns(objects, orders, as_of)
    assert any(row[7] > 0 for row in found), "no coupon was redeemed at this scale: the comparison would say nothing"
