"""What is broken on purpose: the authority on the kinds of faults, and on which records have one.

A record is broken or not by a hash of its key, at the rate asked for, and at most once; which kind it gets is another
draw. Nothing is broken unless a rate is given. Whatever is broken goes to the ledger with the value written and the
true one, outside everything the pipeline reads: the ledger is the exam. Only records that appear in the step's window
are broken; an order's later way leaves its fault alone, a customer's next change mends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import polars as pl

from shopsphere.draws import DAY, HOUR, MINUTE, Draws
from shopsphere.ledger import Entry
from shopsphere.people import STREETS
from shopsphere.state import Window

ANY = pl.lit(value=True)
UNKNOWN_PRODUCT = 50_000_000  # added to a product's id: no product has such a number


@dataclass(frozen=True)
class Kind:
    """A way to break a record: what each column is written as, and which records it is possible for."""

    name: str
    writes: dict[str, pl.Expr]
    where: pl.Expr = field(default_factory=lambda: ANY)


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String)


SHORT_STREET = pl.col("street").str.replace_many(
    [f" {long}" for long in STREETS], [f" {short}" for short in STREETS.values()]
)
NATIONAL_PHONE = pl.format(
    "({}) {}-{}", pl.col("phone").str.slice(2, 3), pl.col("phone").str.slice(5, 3), pl.col("phone").str.slice(8)
)
PERSON = [
    Kind("e-mail in upper case", {"email": pl.col("email").str.to_uppercase()}),
    Kind("e-mail with spaces", {"email": pl.format(" {} ", "email")}),
    Kind("phone in a national format", {"phone": NATIONAL_PHONE}),
    Kind("address abbreviated", {"street": SHORT_STREET}),
    Kind(
        "city and postcode swapped",
        {"city": pl.col("postcode"), "postcode": pl.col("city")},
        pl.col("city").str.len_chars() <= 16,
    ),
    Kind("malformed e-mail", {"email": pl.col("email").str.replace("@", ".", literal=True)}),
    Kind("malformed phone", {"phone": pl.col("phone").str.slice(0, 6)}),
    Kind("missing name", {"first_name": pl.lit(None, pl.String)}),
]
KINDS: dict[str, list[Kind]] = {
    "shop.customer_changes": PERSON,
    "shop.orders": [
        Kind("order without customer", {"customer_id": pl.lit(None, pl.Int64)}),
        Kind("currency not in ISO 4217", {"currency": pl.lit("US$")}),
        Kind("placed_at in the future", {"placed_at": pl.col("placed_at") + timedelta(days=400)}),
        Kind(
            "total is not the sum of the lines",
            {"total_amount": pl.col("total_amount") + pl.lit("10.00").cast(pl.Decimal(12, 2))},
        ),
    ],
    "shop.order_items": [
        Kind("negative value", {"sales_value": -pl.col("sales_value")}, pl.col("sales_value") > 0),
        Kind("product unknown to the catalog", {"product_id": pl.col("product_id") + UNKNOWN_PRODUCT}),
    ],
    "catalog.products": [
        Kind("department missing", {"department": pl.lit(None, pl.String)}, pl.col("department").is_not_null())
    ],
    "catalog.prices": [
        Kind("price zero", {"price": pl.lit("0.00").cast(pl.Decimal(12, 2))}, pl.col("price") > 0),
        Kind("price negative", {"price": -pl.col("price")}, pl.col("price") > 0),
        Kind(
            "price 100 times its history",
            {"price": (pl.col("price") * 100).cast(pl.Decimal(12, 2))},
            pl.col("price") > 0,
        ),
    ],
    "hubspot.contacts": [Kind("contact without e-mail", {"email": pl.lit(None, pl.String)})],
    "hubspot.coupon_redemptions": [Kind("delivered twice", {})],
    "web.events": [
        Kind("delivered again", {}),
        Kind("up to 15 minutes late", {"received_at": pl.col("_short")}),
        Kind("more than 15 minutes late", {"received_at": pl.col("_long")}),
        Kind("malformed line", {}),
        Kind("truncated line", {}),
        Kind("wrong type", {}),
        Kind("missing user id", {"user_id": pl.lit(None, pl.Int64)}),
        Kind("timestamp in 1970", {"timestamp": pl.datetime(1970, 1, 1, time_unit="us")}),
        Kind("timestamp in the future", {"timestamp": pl.col("timestamp") + timedelta(days=400)}),
    ],
}
# what is no column of the record but of its way: done to the encoded lines, by the name of the kind
LINE_FAULTS = {
    "malformed line": pl.col("line").str.replace('"session_id":', '"session_id"', literal=True),
    "truncated line": pl.col("line").str.slice(0, pl.col("line").str.len_chars() // 2),
    "wrong type": pl.col("line").str.replace(r'"user_id":(\d+)', '"user_id":"user $1"'),
}


@dataclass
class Faults:
    """The faults of one step: breaks frames as they pass and remembers what it did; a rate of 0 lets all pass
    untouched.
    """

    rate: float
    draws: Draws
    window: Window
    entries: list[Entry] = field(default_factory=list)

    @property
    def day(self) -> date:
        """The clock's day once the step is done."""
        return (self.window.before - timedelta(days=1)).date()

    def mark(self, table: str, rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
        """`rows` with a column `_fault`: the kind's name or null. `by` are whole-number columns that identify the
        record.
        """
        if not self.rate:
            return rows.with_columns(pl.lit(None, pl.String).alias("_fault"))
        keys = [rows[name] for name in by]
        chosen = pl.Series(self.draws.share(f"fault in {table}", *keys) < self.rate)
        which = pl.Series(self.draws.below(len(KINDS[table]), f"kind of fault in {table}", *keys))
        fault = pl.lit(None, pl.String)
        for number, kind in enumerate(KINDS[table]):
            fault = pl.when(chosen & (which == number) & kind.where).then(pl.lit(kind.name)).otherwise(fault)
        return rows.with_columns(fault.alias("_fault"))

    def breaks(
        self, table: str, rows: pl.DataFrame, by: Sequence[str], *, key: str = "", spare: pl.Expr | None = None
    ) -> pl.DataFrame:
        """`rows` with faults written in, and `_fault`; rows for which `spare` holds are left alone.

        The ledger names records by the columns `key` (separated by spaces), or `by`.
        """
        marked = self.mark(table, rows, by)
        if spare is not None:
            marked = marked.with_columns(pl.when(~spare).then("_fault").alias("_fault"))
        if not self.rate:
            return marked
        broken = marked
        for kind in KINDS[table]:
            hit = pl.col("_fault") == kind.name
            changes = (
                pl.when(hit).then(value).otherwise(pl.col(name)).alias(name) for name, value in kind.writes.items()
            )
            broken = broken.with_columns(changes)
        for kind in KINDS[table]:
            if kind.name not in LINE_FAULTS:
                self.remember(table, kind.name, key.split() or by, marked, broken.select("_fault", *kind.writes))
        return broken

    def remember(self, table: str, kind: str, key: Sequence[str], true: pl.DataFrame, written: pl.DataFrame) -> None:
        """Notes every record of that kind; the frames have equal rows, `written` has the columns that were changed."""
        source, _, name = table.partition(".")
        columns = [column for column in written.columns if column != "_fault"]
        hit = (true["_fault"] == kind).fill_null(value=False)
        right = true.filter(hit).select(_text(column) for column in dict.fromkeys([*key, *columns])).to_dicts()
        wrong = (
            written.filter(hit).select(_text(column) for column in columns).to_dicts() if columns else [{}] * len(right)
        )
        for was, now in zip(right, wrong, strict=True):
            truth = {column: was[column] for column in columns}
            self.entries.append(
                Entry(kind, source, name, {column: was[column] for column in key}, now, truth, self.day)
            )

    def also(self, table: str, of: str, key: str, changes: pl.DataFrame) -> None:
        """Notes that the rows of `table` by `key` hold what the faulty rows of the change table `of` hold."""
        current = {str(change): str(owner) for change, owner in changes.select("change_id", key).rows()}
        for entry in [entry for entry in self.entries if entry.table == of and entry.key["change_id"] in current]:
            owner = {key: current[entry.key["change_id"]]}
            self.entries.append(replace(entry, table=table, key=owner))

    def late(self, rows: pl.DataFrame) -> list[pl.Series]:
        """The arrival of each event if it were late: `_short` by 1-14 minutes, `_long` by 20 minutes to 30 hours."""
        keys = (rows["session"], rows["step"])
        short = rows["timestamp"] + self.draws.span(MINUTE, 14 * MINUTE, "late", *keys)
        long = rows["timestamp"] + self.draws.span(20 * MINUTE, 30 * HOUR, "very late", *keys)
        return [at.dt.truncate("1ms").alias(name) for name, at in (("_short", short), ("_long", long))]

    def again(self, rows: pl.DataFrame) -> pl.Series:
        """The second arrival of each event: in one of the next files, or on the next day."""
        return rows["received_at"] + self.draws.span(
            HOUR, DAY + HOUR, "delivered again at", rows["session"], rows["step"]
        )
