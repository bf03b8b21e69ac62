"""What the marketing system knows, as objects of the HubSpot-like API: the authority on contacts, campaigns,
members, redemptions, e-mail events.

Real: campaigns with type and dates, who is a member of which, coupon redemptions with coupon and day. Simulated:
contact details (the customer's own, a minute late), lifecycle stage (lead until the first order), joined_at (in the
campaign's first two days, never before the contact exists), the hour of a redemption, e-mails sent, opened and clicked.
A closed account's contact is archived. A campaign appears seven days before it starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import polars as pl

from shopsphere.draws import DAY, HOUR, MINUTE, SECOND
from shopsphere.purchases import Copy, package_table
from shopsphere.shop import latest
from shopsphere.state import Window

ISO = "%Y-%m-%dT%H:%M:%S%.3fZ"


def objects(copy: Copy, versions: pl.DataFrame, window: Window) -> Iterator[tuple[str, pl.DataFrame]]:
    """For each type the objects that changed in the window: `id`, created_at, updated_at (ms), archived, and the
    properties, all text.
    """
    members = _members(copy)
    for name, rows in (
        ("contacts", _contacts(copy, versions)),
        ("campaigns", _campaigns() if copy.number == 0 else None),
        ("campaign_members", members),
        ("coupon_redemptions", _redemptions(copy)),
        ("email_events", _email_events(copy, members)),
    ):
        if rows is not None:
            yield name, _as_text(latest(rows, window, "id"))


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Properties as HubSpot shows them: every value a string or null, times in ISO 8601."""
    rows = rows.with_columns(pl.col("updated_at").alias("hs_lastmodifieddate"))
    own = ("created_at", "updated_at", "archived")
    texts = [_text_of(name, kind) for name, kind in rows.schema.items() if name not in own]
    return rows.select(*texts, pl.col("created_at", "updated_at").dt.truncate("1ms"), "archived")


def _text_of(name: str, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.strftime(ISO)
    if kind == pl.Date:
        return pl.col(name).dt.strftime("%Y-%m-%d")
    return pl.col(name).cast(pl.String)


def _since(created: str, archived: pl.Expr | None = None) -> list[pl.Expr]:
    still = pl.lit(value=False) if archived is None else archived
    return [pl.col(created).alias("created_at"), pl.col(created).alias("updated_at"), still.alias("archived")]


def _contacts(copy: Copy, versions: pl.DataFrame) -> pl.DataFrame:
    """Every version of every contact: the customer's, and one for the first order."""
    first = copy.customers().select("customer_id", "first_order_at")
    ordered = first.with_columns(pl.col("first_order_at").alias("valid_from"))
    known = versions.join(first, on="customer_id").drop("created_at", "updated_at")
    rows = pl.concat([known, ordered], how="diagonal").sort("customer_id", "valid_from")
    filled = rows.with_columns(pl.exclude("customer_id", "valid_from", "deleted_at").forward_fill().over("customer_id"))
    stage = pl.when(pl.col("valid_from") < pl.col("first_order_at")).then(pl.lit("lead")).otherwise(pl.lit("customer"))
    late = copy.draws.span(5 * SECOND, 90 * SECOND, "contact sync", filled["customer_id"])
    timed = filled.with_columns(
        (filled["valid_from"] + late).alias("seen_at"), (filled["customer_since"] + late).alias("made_at")
    )
    return timed.select(
        pl.col("customer_id").alias("id"),
        "email",
        pl.col("first_name").alias("firstname"),
        pl.col("last_name").alias("lastname"),
        "phone",
        "marketing_consent",
        stage.alias("lifecyclestage"),
        pl.col("made_at").alias("created_at"),
        pl.col("seen_at").alias("updated_at"),
        pl.col("deleted_at").is_not_null().alias("archived"),
    )


def campaign_table() -> pl.DataFrame:
    """campaign_id, campaign_type, start_date and end_date (dates) of the 27 campaigns."""
    dates = pl.col("start_date", "end_date").cast(pl.Date)
    return package_table("campaign_descriptions").with_columns(dates).sort("campaign_id")


def _campaigns() -> pl.DataFrame:
    announced = (pl.col("start_date").cast(pl.Datetime("us")) - timedelta(days=7)).alias("announced_at")
    rows = campaign_table().with_columns(announced)
    name = pl.format("Campaign {} ({})", "campaign_id", "campaign_type").alias("name")
    return rows.select(
        pl.col("campaign_id").alias("id"), name, "campaign_type", "start_date", "end_date", *_since("announced_at")
    )


def _members(copy: Copy) -> pl.DataFrame:
    rows = (
        copy.package_rows("campaigns").join(campaign_table(), on="campaign_id").join(copy.customers(), on="customer_id")
    )
    rows = rows.sort("campaign_id", "customer_id")
    wait = copy.draws.span(8 * HOUR, 2 * DAY, "joined", rows["campaign_id"], rows["customer_id"])
    begun = pl.max_horizontal(pl.col("start_date").cast(pl.Datetime("us")), "signed_up_at")
    joined = rows.with_columns((begun + wait).dt.truncate("1ms").alias("joined_at"))
    identity = pl.format("{}-{}", "campaign_id", "customer_id").alias("id")
    return joined.select(
        identity, "campaign_id", pl.col("customer_id").alias("contact_id"), "joined_at", *_since("joined_at")
    )


def _redemptions(copy: Copy) -> pl.DataFrame:
    rows = copy.package_rows("coupon_redemptions").sort("customer_id", "coupon_upc", "redemption_date")
    keys = ("customer_id", "coupon_upc", "campaign_id")
    hour = copy.draws.span(8 * HOUR, 22 * HOUR, "redeemed", *(rows[key] for key in keys))
    date = pl.col("redemption_date").cast(pl.Date)
    timed = rows.with_columns((rows["redemption_date"].cast(pl.Datetime("us")) + hour).alias("redeemed_at"))
    identity = pl.format("{}-{}-{}-{}", "campaign_id", "customer_id", "coupon_upc", date.dt.strftime("%Y%m%d")).alias(
        "id"
    )
    contact = pl.col("customer_id").alias("contact_id")
    return timed.select(identity, "campaign_id", contact, "coupon_upc", date, *_since("redeemed_at"))


def _email_events(copy: Copy, members: pl.DataFrame) -> pl.DataFrame:
    """One e-mail to each member while the campaign runs; 45 % open it, a third of those click."""
    ends = campaign_table().select(
        "campaign_id", (pl.col("end_date") + timedelta(days=1)).cast(pl.Datetime("us")).alias("ends_at")
    )
    rows = members.join(ends, on="campaign_id", maintain_order="left").filter(pl.col("joined_at") < pl.col("ends_at"))
    keys = (rows["campaign_id"], rows["contact_id"])
    sent = rows["joined_at"] + copy.draws.span(MINUTE, 12 * HOUR, "sent", *keys)
    opened = sent + copy.draws.span(MINUTE, 3 * DAY, "opened", *keys)
    clicked = opened + copy.draws.span(5 * SECOND, 20 * MINUTE, "clicked", *keys)
    interest = pl.Series(copy.draws.share("interest", *keys))
    made = []
    for name, at, share in (("sent", sent, 1.0), ("opened", opened, 0.45), ("clicked", clicked, 0.15)):
        timed = rows.with_columns(at.dt.truncate("1ms").alias("occurred_at"), pl.lit(name).alias("event_type")).filter(
            interest < share
        )
        made.append(timed)
    identity = pl.format("{}-{}-{}", "campaign_id", "contact_id", "event_type").alias("id")
    return pl.concat(made).select(
        identity, "campaign_id", "contact_id", "event_type", "occurred_at", *_since("occurred_at")
    )
