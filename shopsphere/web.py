"""What visitors do on the web site: the authority on sessions and click events.

Real: purchases of the web channel, every fifth order by a hash of its id: such an order's purchase event carries its
order_id, at placed_at. Simulated: everything else - the way to the purchase (visit, views, carts, checkout), browsing
that ends without one, sign-ups 0-30 days before a customer's first order, visitors who sign up and never buy (a fifth
of the sign-ups; ids above one million), the campaign that brought a session (0 or none for most), the experiments a
user is part of, and addresses and browsers.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from shopsphere import visitors
from shopsphere.draws import DAY, HOUR, SECOND, as_hex, as_uuid
from shopsphere.people import END
from shopsphere.purchases import NEVER_BUYER, OPENING, Copy
from shopsphere.state import Window

WEB_CHANNEL = 5  # every fifth order
MOST_ITEMS = 5  # products looked at in a session
ONE_HOUR, FOUR_DAYS = timedelta(hours=1), timedelta(days=4)


def is_web_order(copy: Copy, orders: pl.Series) -> pl.Series:
    """Whether each order was placed on the web."""
    return pl.Series("web", copy.draws.bits("web channel", orders) % np.uint64(WEB_CHANNEL) == 0)


def events(copy: Copy, window: Window) -> pl.DataFrame:
    """The events that reach the collector in the window (received_at), in no particular order."""
    near = copy.orders(Window(window.after - ONE_HOUR, window.before + FOUR_DAYS))
    sessions = pl.concat(
        [_purchases(copy, near), _browsing(copy, near), _sign_ups(copy), _never_buyers(copy)], how="diagonal"
    )
    lasting = pl.col("started_at") + timedelta(minutes=30)
    sessions = sessions.filter(lasting >= window.after - ONE_HOUR, pl.col("started_at") < window.before)
    sessions = visitors.brought_by(copy, sessions.sort("session"))
    made = _steps(copy, sessions).join(sessions, on="session").pipe(_timed, copy)
    return made.filter(pl.col("received_at") >= window.after, pl.col("received_at") < window.before)


def _session(rows: pl.DataFrame, copy: Copy, kind: int, **columns: pl.Expr | pl.Series) -> pl.DataFrame:
    """Sessions of one kind: `session` is a number unique to (order or user, kind), `items` how many products it
    looks at.
    """
    made = rows.with_columns(**columns).with_columns((pl.col("key") * 64 + kind).alias("session"))
    gap = copy.draws.span(10 * SECOND, 60 * SECOND, "gap", made["session"])
    return made.with_columns(gap.alias("gap"))


def _purchases(copy: Copy, orders: pl.DataFrame) -> pl.DataFrame:
    web = orders.filter(is_web_order(copy, orders["order_id"]))
    items = pl.min_horizontal("lines", MOST_ITEMS)
    made = _session(
        web, copy, 0, key=pl.col("order_id"), user_id=pl.col("customer_id"), items=items, basis=pl.col("order_id")
    )
    begun = (pl.col("placed_at") - pl.col("gap") * (2 * pl.col("items") + 3)).alias("started_at")
    ends = [pl.lit("purchase").alias("ends_in"), pl.col("placed_at").alias("ends_at"), pl.lit(1.0).alias("carts")]
    return made.with_columns(begun, *ends).select(COLUMNS)


def _browsing(copy: Copy, orders: pl.DataFrame) -> pl.DataFrame:
    """Before most orders, wherever they were placed, the customer looked around on the web and left again."""
    ids, draws = orders["order_id"], copy.draws
    at = orders["placed_at"] - draws.span(HOUR, 3 * DAY, "browsed", ids)
    looked = orders.with_columns(at.alias("started_at")).filter(pl.Series(draws.share("browsed?", ids) < 0.88))
    known = copy.customers().select("customer_id", "signed_up_at")
    looked = looked.join(known, on="customer_id", maintain_order="left").filter(
        pl.col("started_at") > pl.col("signed_up_at")
    )
    items = pl.min_horizontal("lines", pl.Series(1 + draws.below(MOST_ITEMS, "browsed items", looked["order_id"])))
    made = _session(
        looked, copy, 1, key=pl.col("order_id"), user_id=pl.col("customer_id"), items=items, basis=pl.col("order_id")
    )
    stops = pl.Series(draws.share("gave up at checkout", made["session"]) < 0.05)
    given_up = made["started_at"] + made["gap"] * (2 * made["items"] + 3)
    ends = [
        pl.when(stops).then(pl.lit("checkout")).alias("ends_in"),
        given_up.alias("ends_at"),
        pl.lit(0.25).alias("carts"),
    ]
    return made.with_columns(ends).select(COLUMNS)


def _sign_ups(copy: Copy) -> pl.DataFrame:
    """A first visit that ends in the sign-up, of every customer and of those who never buy."""
    customers = copy.customers()
    buyers = customers.select("customer_id", pl.col("customer_id").alias("user_id"), "first_order_id", "signed_up_at")
    made = pl.concat([buyers, _twins(copy)])
    made = _session(made, copy, 2, key=pl.col("user_id"), items=pl.lit(2, pl.Int64), basis=pl.col("first_order_id"))
    begun = (pl.col("signed_up_at") - pl.col("gap") * 7).alias("started_at")
    ends = [pl.lit("signup").alias("ends_in"), pl.col("signed_up_at").alias("ends_at"), pl.lit(0.0).alias("carts")]
    return made.with_columns(begun, *ends, pl.lit(None, pl.Int64).alias("order_id")).select(COLUMNS)


def _twins(copy: Copy) -> pl.DataFrame:
    """Those who never buy: a quarter as many as there are customers, each with the tastes of one of them."""
    customers = copy.customers()
    chosen = customers.filter(pl.Series(copy.draws.share("never buyer", customers["customer_id"]) < 0.25))
    ids = chosen["customer_id"]
    at = OPENING + (copy.draws.share("never buyer signs up", ids) * (END - OPENING)).astype(np.int64)
    signed_up = pl.Series("signed_up_at", at).cast(pl.Datetime("us"))
    return chosen.select("customer_id", (ids + NEVER_BUYER).alias("user_id"), "first_order_id").with_columns(signed_up)


def _never_buyers(copy: Copy) -> pl.DataFrame:
    """Up to four more sessions of those who never buy, within two months of their sign-up."""
    twins = _twins(copy).join(pl.DataFrame({"nth": [0, 1, 2, 3]}), how="cross")
    keys, draws = (twins["user_id"], twins["nth"]), copy.draws
    at = twins["signed_up_at"] + draws.span(HOUR, 60 * DAY, "comes back", *keys)
    back = twins.with_columns(at.alias("started_at")).filter(pl.Series(draws.share("comes back?", *keys) < 0.5))
    items = pl.Series(1 + draws.below(3, "looked at", back["user_id"], back["nth"]))
    made = _session(
        back, copy, 3, key=pl.col("user_id") * 4 + pl.col("nth"), items=items, basis=pl.col("first_order_id")
    )
    absent = [
        pl.lit(None, kind).alias(name)
        for name, kind in (("ends_in", pl.String), ("ends_at", pl.Datetime("us")), ("order_id", pl.Int64))
    ]
    return made.with_columns(*absent, pl.lit(0.25).alias("carts")).select(COLUMNS)


COLUMNS = ["session", "user_id", "started_at", "gap", "items", "carts", "basis", "ends_in", "ends_at", "order_id"]


def _steps(copy: Copy, sessions: pl.DataFrame) -> pl.DataFrame:
    """session, step, event_type, product_id, price (cents) of every event; a session's steps are in order of time."""
    items = copy.lines_of(sessions["basis"].unique(), MOST_ITEMS).rename({"order_id": "basis"})
    looked = (
        sessions.select("session", "basis", "items", "carts")
        .join(items, on="basis")
        .filter(pl.col("rank") <= pl.col("items"))
    )
    carted = pl.Series(copy.draws.share("carted", looked["session"], looked["rank"])) < looked["carts"]
    clicked = (
        pl.Series(copy.draws.share("clicked", sessions["session"]))
        < pl.select(pl.when(sessions["campaign_id"].fill_null(0) > 0).then(0.8).otherwise(0.15)).to_series()
    )
    ended = sessions.filter(pl.col("ends_in").is_not_null())
    last = 2 * pl.col("items") + 3
    return pl.concat(
        [
            sessions.select("session", pl.lit(0, pl.Int64).alias("step"), pl.lit("visit").alias("event_type")),
            sessions.filter(clicked).select(
                "session", pl.lit(1, pl.Int64).alias("step"), pl.lit("click").alias("event_type")
            ),
            looked.select(
                "session", (2 * pl.col("rank")).alias("step"), pl.lit("view").alias("event_type"), "product_id", "price"
            ),
            looked.filter(carted).select(
                "session",
                (2 * pl.col("rank") + 1).alias("step"),
                pl.lit("add_to_cart").alias("event_type"),
                "product_id",
                "price",
            ),
            ended.filter(pl.col("ends_in") == "purchase").select(
                "session", (last - 1).alias("step"), pl.lit("checkout").alias("event_type")
            ),
            ended.select("session", last.alias("step"), pl.col("ends_in").alias("event_type")),
        ],
        how="diagonal",
    )


def _timed(events: pl.DataFrame, copy: Copy) -> pl.DataFrame:
    """Adds ids, timestamp, received_at, experiment and context; the last step of a session happens exactly when the
    session ends.
    """
    session, step, draws = events["session"], events["step"], copy.draws
    waits = pl.Series(draws.share("pause", session, step) * 0.9)
    usual = (
        pl.col("started_at")
        + pl.col("gap") * pl.col("step")
        + (pl.col("gap").dt.total_microseconds() * waits).cast(pl.Duration("us"))
    )
    last = (pl.col("event_type") == pl.col("ends_in")).fill_null(value=False)
    at = pl.when(last).then("ends_at").otherwise(usual).dt.truncate("1ms").alias("timestamp")
    travel = draws.span(40_000, 4 * SECOND, "travel", session, step)
    identity = as_uuid(draws.bits("event a", session, step), draws.bits("event b", session, step))
    timed = events.with_columns(
        at, identity.alias("event_id"), as_hex(draws.bits("session id", session)).alias("session_id")
    )
    timed = timed.with_columns((pl.col("timestamp") + travel).dt.truncate("1ms").alias("received_at"))
    bought = pl.when(pl.col("event_type") == "purchase").then("order_id").alias("order_id")
    return timed.with_columns(bought, *visitors.experiment(timed, copy), *visitors.context(timed, copy)).drop(
        "started_at", "gap", "items", "carts", "basis", "ends_in", "ends_at"
    )
