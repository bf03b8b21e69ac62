"""Customers and their history: the authority on who ShopSphere's customers are and when they change.

Real: customer_id (the household's). Simulated: everything else - names, e-mails, phones and addresses from pools that
Faker fills, chosen by customer id; consent; and the changes: a tenth move, a fifth flip their consent, one in twenty
corrects a phone number, and some who have stopped ordering close their account. E-mails are in the reserved example
domains and phones in the reserved 555-01xx range, so nobody real can be reached.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from shopsphere.draws import DAY, Draws
from shopsphere.purchases import Copy

if TYPE_CHECKING:
    from faker import Faker

END = 1_514_851_200_000_000  # 2018-01-02 00:00 UTC in microseconds: the end of the company's time
CLOSES_BEFORE = 1_510_704_000_000_000  # 2017-11-15: whoever still ordered after it stays
ATTRIBUTES = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "street",
    "city",
    "region",
    "postcode",
    "country",
    "marketing_consent",
)
STREETS = {
    "Street": "St",
    "Avenue": "Ave",
    "Road": "Rd",
    "Drive": "Dr",
    "Lane": "Ln",
    "Boulevard": "Blvd",
    "Court": "Ct",
}
AREA_CODES = pl.Series([202, 213, 303, 312, 404, 415, 503, 512, 602, 614, 617, 702, 713, 816, 919])


@lru_cache(maxsize=2)
def pools(seed: int) -> dict[str, pl.Series]:
    """Names, streets and places (struct of city, region, postcode) to choose from, the same for the same seed."""
    from faker import Faker

    faker = Faker("en_US")
    faker.seed_instance(seed)
    places = []
    for _ in range(800):
        state = faker.state_abbr(include_territories=False, include_freely_associated_states=False)
        places.append({"city": faker.city(), "region": state, "postcode": faker.zipcode_in_state(state)})
    return {
        "first_name": pl.Series([faker.first_name() for _ in range(600)]),
        "last_name": pl.Series([faker.last_name() for _ in range(800)]),
        "street": pl.Series([_street(faker) for _ in range(1500)]),
        "place": pl.Series(places),
    }


def _street(faker: Faker) -> str:
    return f"{faker.building_number()} {faker.last_name()} {faker.random_element(list(STREETS))}"


def versions(copy: Copy) -> pl.DataFrame:
    """Every version of every customer up to the end of time: the columns of shop.customer_changes plus
    `customer_since`.
    """
    changes = _changes(copy.customers(), copy.draws).sort("customer_id", "valid_from")
    so_far = [
        _so_far(kind).alias(name)
        for kind, name in (("moved", "_moves"), ("consent", "_flips"), ("corrected", "_phones"))
    ]
    counted = changes.with_columns(*so_far, pl.int_range(pl.len()).over("customer_id").alias("_nth"))
    return _with_attributes(counted, copy.draws).select(
        (pl.col("customer_id") * 100 + pl.col("_nth")).alias("change_id"),
        "customer_id",
        *ATTRIBUTES,
        pl.when(pl.col("change_type") == "closed").then("valid_from").alias("deleted_at"),
        "valid_from",
        "change_type",
        pl.col("valid_from").alias("created_at"),
        pl.col("valid_from").alias("updated_at"),
        pl.col("signed_up_at").alias("customer_since"),
    )


def _so_far(kind: str) -> pl.Expr:
    return (pl.col("change_type") == kind).cast(pl.Int64).cum_sum().over("customer_id")


def _changes(customers: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """customer_id, signed_up_at, change_type, valid_from of every change; nothing changes after an account is
    closed.
    """
    keep = customers.select("customer_id", "signed_up_at")
    rows = [keep.with_columns(pl.lit("created").alias("change_type"), pl.col("signed_up_at").alias("valid_from"))]
    since = customers["signed_up_at"].dt.timestamp("us").to_numpy() + DAY
    for kind, share in (("moved", 0.10), ("consent", 0.20), ("corrected", 0.05)):
        rows.append(_some(keep, draws, kind, share, since))
    last = customers["last_order_at"].dt.timestamp("us").to_numpy()
    closed = _some(keep, draws, "closed", 0.30, last + DAY).filter(
        pl.Series(last < CLOSES_BEFORE).filter(_chosen(keep, draws, "closed", 0.30))
    )
    rows.append(closed)
    ends = closed.select("customer_id", pl.col("valid_from").alias("_end"))
    changes = pl.concat(rows).join(ends, on="customer_id", how="left")
    return changes.filter(pl.col("_end").is_null() | (pl.col("valid_from") <= pl.col("_end"))).drop("_end")


def _chosen(customers: pl.DataFrame, draws: Draws, kind: str, share: float) -> pl.Series:
    return pl.Series(draws.share(f"{kind}?", customers["customer_id"]) < share)


def _some(customers: pl.DataFrame, draws: Draws, kind: str, share: float, since: np.ndarray) -> pl.DataFrame:
    """A change of that kind for a share of the customers, at an even moment between `since` and the end of time."""
    moment = since + (draws.share(f"{kind} at", customers["customer_id"]) * np.maximum(END - since, 1)).astype(np.int64)
    at = pl.Series("valid_from", moment).cast(pl.Datetime("us"))
    changed = customers.with_columns(pl.lit(kind).alias("change_type"), at)
    return changed.filter(_chosen(customers, draws, kind, share))


def _with_attributes(changes: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    pool, who = pools(draws.seed), changes["customer_id"]
    place = draws.pick(pool["place"], "place", who, changes["_moves"]).struct.unnest()
    area = draws.pick(AREA_CODES, "area code", who, changes["_phones"])
    first, last = (draws.pick(pool[name], name, who) for name in ("first_name", "last_name"))
    domain = draws.pick(pl.Series(["com", "net", "org"]), "domain", who)
    consents = pl.Series(draws.share("consents", who) < 0.7)
    return changes.with_columns(
        first.alias("first_name"),
        last.alias("last_name"),
        pl.format("{}.{}.{}@example.{}", _letters(first), _letters(last), who, domain).alias("email"),
        pl.format("+1{}55501{}", area, pl.Series(draws.below(90, "line", who, changes["_phones"]) + 10)).alias("phone"),
        draws.pick(pool["street"], "street", who, changes["_moves"]).alias("street"),
        *(place[name].alias(name) for name in ("city", "region", "postcode")),
        pl.lit("US").alias("country"),
        (consents ^ (changes["_flips"] % 2 == 1)).alias("marketing_consent"),
    )


def _letters(names: pl.Series) -> pl.Series:
    return names.str.to_lowercase().str.replace_all("[^a-z]", "")
