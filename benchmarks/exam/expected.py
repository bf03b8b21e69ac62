"""What the pipeline must say of each kind of fault: where, under which rule, in which layer: the answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """Where a kind of fault must be found, under which rules, in which layer; without a place, why it cannot be."""

    place: str
    rules: tuple[str, ...]
    layer: str = "staging"
    why: str = ""


QUARANTINE, CORRECTIONS, FINDINGS, REJECTS = "quarantine", "corrections", "findings", "rejects"
WITHIN_GRACE = "within the 15 minutes' grace: counted in its minute, nothing to report"
LEFT_OUT = "left out where it is read: word for word what reading a page again looks like"
NOT_ARRIVED = "had not arrived when the exam ended"
NO_CHANGE = "what was written equals the truth"
EXPECTED = {
    "order without customer": Expected(QUARANTINE, ("customer_id_present",)),
    "currency not in ISO 4217": Expected(QUARANTINE, ("currency_in_iso_4217",)),
    "placed_at in the future": Expected(QUARANTINE, ("placed_at_not_in_the_future",)),
    "total is not the sum of the lines": Expected(CORRECTIONS, ("total_amount_is_sum_of_lines",), "core"),
    "negative value": Expected(QUARANTINE, ("line_not_negative",)),
    "product unknown to the catalog": Expected(CORRECTIONS, ("product_in_catalog",), "core"),
    "e-mail in upper case": Expected(CORRECTIONS, ("email_well_formed",)),
    "e-mail with spaces": Expected(CORRECTIONS, ("email_well_formed",)),
    "phone in a national format": Expected(CORRECTIONS, ("phone_in_e164",)),
    "address abbreviated": Expected(CORRECTIONS, ("address_written_out",)),
    "city and postcode swapped": Expected(CORRECTIONS, ("city_and_postcode_in_place",)),
    "malformed e-mail": Expected(CORRECTIONS, ("email_well_formed",)),
    "malformed phone": Expected(CORRECTIONS, ("phone_in_e164",)),
    "missing name": Expected(CORRECTIONS, ("name_present",)),
    "department missing": Expected(CORRECTIONS, ("department_present",)),
    "price zero": Expected(QUARANTINE, ("price_positive",)),
    "price negative": Expected(QUARANTINE, ("price_positive",)),
    "price 100 times its history": Expected(QUARANTINE, ("price_near_its_history", "price_near_its_cost")),
    "contact without e-mail": Expected(FINDINGS, ("email_present",)),
    "delivered twice": Expected("", (), "border", LEFT_OUT),
    "delivered again": Expected(FINDINGS, ("event_delivered_once",)),
    "up to 15 minutes late": Expected("", (), why=WITHIN_GRACE),
    "more than 15 minutes late": Expected(FINDINGS, ("received_within_15_minutes",)),
    "malformed line": Expected(REJECTS, ("well_formed",), "border"),
    "truncated line": Expected(REJECTS, ("well_formed",), "border"),
    "wrong type": Expected(REJECTS, ("declared_type",), "border"),
    "missing user id": Expected(QUARANTINE, ("user_id_present",)),
    "timestamp in 1970": Expected(QUARANTINE, ("timestamp_not_before_2000",)),
    "timestamp in the future": Expected(QUARANTINE, ("timestamp_not_in_the_future",)),
    "income missing": Expected(CORRECTIONS, ("income_present",)),
    "household size missing": Expected(CORRECTIONS, ("household_size_present",)),
    "too few columns": Expected(REJECTS, ("column_count",), "border"),
    "Latin-1 bytes": Expected(CORRECTIONS, ("blanks_are_plain",)),
}
