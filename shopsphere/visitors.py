"""What an event tells about its visitor: the campaign that brought the session, the experiments, the address and
the browser. All simulated.

IP addresses are from the range reserved for benchmarks, 198.18.0.0/15: plausible, and nobody's.
"""

from __future__ import annotations

import polars as pl

from shopsphere.marketing import campaign_table
from shopsphere.purchases import NEVER_BUYER, Copy

EXPERIMENTS = (
    ("free_shipping_banner", "2017-03-01", "2017-09-01"),
    ("one_page_checkout", "2017-09-01", "2018-02-01"),
)
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
AGENTS = pl.Series(
    [
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/60.0.3112.90 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_12_6) AppleWebKit/603.3.8 Version/10.1.2 Safari/603.3.8",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3_3 like Mac OS X) AppleWebKit/603.3.8 Mobile/14G60",
        f"Mozilla/5.0 (Linux; Android 7.0; SM-G930V) {_WEBKIT} Chrome/59.0.3071.125 Mobile Safari/537.36",
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:55.0) Gecko/20100101 Firefox/55.0",
    ]
)
LOCALES = pl.Series(["en-US"] * 9 + ["es-US"])


def brought_by(copy: Copy, sessions: pl.DataFrame) -> pl.DataFrame:
    """Adds campaign_id: a running campaign the user belongs to, or any running one for a sign-up; else 0 or nothing."""
    members = copy.package_rows("campaigns").select(pl.col("customer_id").alias("user_id"), "campaign_id")
    asked = sessions.select("session", "user_id", "ends_in", pl.col("started_at").dt.date().alias("day"))
    stranger = (pl.col("ends_in").fill_null("") == "signup") | (pl.col("user_id") > NEVER_BUYER)
    theirs = asked.filter(~stranger).join(members, on="user_id")
    anybody = asked.filter(stranger).join(campaign_table().select("campaign_id"), how="cross")
    running = pl.concat([theirs, anybody]).join(campaign_table(), on="campaign_id")
    running = running.filter(pl.col("day") >= pl.col("start_date"), pl.col("day") <= pl.col("end_date"))
    lot = pl.Series("lot", copy.draws.share("which campaign", running["session"], running["campaign_id"]))
    chosen = (
        running.with_columns(lot)
        .sort("session", "lot")
        .unique("session", keep="first")
        .select("session", "campaign_id")
    )
    found = sessions.join(chosen, on="session", how="left", maintain_order="left")
    luck = pl.Series(copy.draws.share("brought by", found["session"]))
    return found.with_columns(
        pl.when(luck < 0.45).then("campaign_id").when(luck < 0.65).then(pl.lit(0)).alias("campaign_id")
    )


def experiment(events: pl.DataFrame, copy: Copy) -> list[pl.Expr]:
    """Half of the users are part of each experiment while it runs, evenly divided between control and treatment."""
    name, variant = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for number, (label, begins, ends) in enumerate(EXPERIMENTS):
        luck = pl.Series(copy.draws.share("experiment", events["user_id"], number))
        runs = pl.col("timestamp").is_between(
            pl.lit(begins).str.to_datetime(), pl.lit(ends).str.to_datetime(), closed="left"
        ) & (luck < 0.5)
        name = pl.when(runs).then(pl.lit(label)).otherwise(name)
        variant = (
            pl.when(runs)
            .then(pl.when(luck < 0.25).then(pl.lit("control")).otherwise(pl.lit("treatment")))
            .otherwise(variant)
        )
    return [name.alias("experiment"), variant.alias("variant")]


def context(events: pl.DataFrame, copy: Copy) -> list[pl.Series]:
    """A user keeps browser and language, and changes address from session to session at times."""
    user, draws = events["user_id"], copy.draws
    network = draws.below(3, "network", events["session"])
    low, high = draws.below(2 * 256, "ip high", user, network), draws.below(65_024, "ip low", user, network)
    octets = [pl.Series(part) for part in (18 + low // 256, high // 254, high % 254 + 1)]
    address = pl.select(pl.format("198.{}.{}.{}", *octets)).to_series().alias("ip")
    return [
        address,
        draws.pick(AGENTS, "agent", user).alias("user_agent"),
        draws.pick(LOCALES, "locale", user).alias("locale"),
    ]
