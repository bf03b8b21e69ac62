"""A step of the company's life: the rows of a window of company time, written to every system.

Each system is written in one go (a transaction, a file that is renamed into place), and writing the same window again
changes nothing. The order matters only to the ledger, which is written last: what it says was broken has been.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from shopsphere import catalog, crm, event_files, hubspot_store, ledger, marketing, people, shop, web
from shopsphere.databases import Databases
from shopsphere.faults import LINE_FAULTS, Faults
from shopsphere.load import Loader
from shopsphere.purchases import Copy, copies
from shopsphere.state import FIRST_DAY, Clock, Places, Window

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """The days being written."""

    home: Path
    databases: Databases
    clock: Clock
    window: Window
    fresh: bool
    faults: Faults

    @property
    def copies(self) -> list[Copy]:
        """The copies of households at the company's scale."""
        return copies(self.clock.seed, self.clock.scale)

    @property
    def places(self) -> Places:
        """Where things stand."""
        return Places(self.home)

    def write(self) -> None:
        """Writes the window to all systems."""
        with _timed(f"the company lives to the end of {self.clock.until}"):
            _write_shop(self)
            _write_catalog(self)
            _write_hubspot(self)
            _write_events(self)
            _write_crm(self)
            ledger.append(self.places.ledger, self.faults.entries)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    LOG.info("%s: started", what)
    begun = time.monotonic()
    yield
    LOG.info("%s: done in %.1f s", what, time.monotonic() - begun)


def _write_shop(step: Step) -> None:
    with (
        _timed("shop: customers, orders, lines, payments, refunds"),
        step.databases.shop.loading(fresh=step.fresh) as into,
    ):
        for copy in step.copies:
            _write_people(step, copy, into)
            _write_orders(step, copy, into)
            into.put("shop.payments", shop.payments(copy, step.window))
            into.put("shop.refunds", shop.refunds(copy, step.window))


def _write_people(step: Step, copy: Copy, into: Loader) -> None:
    changes = people.versions(copy).filter(shop.changed(step.window))
    broken = step.faults.breaks("shop.customer_changes", changes, ["change_id"])
    current = shop.latest(broken, step.window, "customer_id")
    step.faults.also("customers", "customer_changes", "customer_id", current)
    into.put("shop.customer_changes", broken)
    into.put("shop.customers", shop.customers(broken, step.window))


def _write_orders(step: Step, copy: Copy, into: Loader) -> None:
    """Lines first: an order with a broken line is not broken itself."""
    lines = step.faults.breaks("shop.order_items", shop.order_items(copy, step.window), ["order_id", "product_id"])
    into.put("shop.order_items", lines)
    hurt = lines.filter(pl.col("_fault").is_not_null())["order_id"].unique()
    spare = pl.col("order_id").is_in(hurt.implode()) | (pl.col("created_at") < step.window.after)
    into.put(
        "shop.orders", step.faults.breaks("shop.orders", shop.orders(copy, step.window), ["order_id"], spare=spare)
    )


def _write_catalog(step: Step) -> None:
    copy, breaks = step.copies[0], step.faults.breaks
    with (
        _timed("catalog: products, prices, inventory, stores"),
        step.databases.catalog.loading(fresh=step.fresh) as into,
    ):
        into.put("catalog.products", breaks("catalog.products", catalog.products(copy, step.window), ["product_id"]))
        into.put("catalog.prices", breaks("catalog.prices", catalog.prices(copy, step.window), ["price_id"]))
        into.replace("catalog.inventory", catalog.inventory(copy, step.window.before))
        into.put("catalog.stores", catalog.stores(copy, step.window))


def _write_hubspot(step: Step) -> None:
    with (
        _timed("HubSpot-like API: contacts, campaigns, members, redemptions, e-mail events"),
        hubspot_store.opened(step.places.hubspot) as db,
    ):
        for copy in step.copies:
            for kind, rows in marketing.objects(copy, people.versions(copy), step.window):
                hubspot_store.put(db, kind, _broken_objects(step, kind, rows))


def _broken_objects(step: Step, kind: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The objects with their faults; one that is delivered twice stands in the store twice."""
    if kind == "contacts":
        numbered = rows.with_columns(pl.col("id").cast(pl.Int64).alias("_contact"))
        return _unmarked(step.faults.breaks("hubspot.contacts", numbered, ["_contact"], key="id"))
    if kind != "coupon_redemptions":
        return rows
    numbers = [
        pl.col("contact_id").cast(pl.Int64).alias("_contact"),
        pl.col("coupon_upc").cast(pl.Int64).alias("_coupon"),
    ]
    once = rows.with_columns(*numbers, pl.lit(0).alias("delivery"))
    once = step.faults.breaks("hubspot.coupon_redemptions", once, ["_contact", "_coupon"], key="id")
    twice = once.filter(pl.col("_fault").is_not_null()).with_columns(pl.lit(1).alias("delivery"))
    return _unmarked(pl.concat([once, twice]))


def _unmarked(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(name for name in rows.columns if not name.startswith("_"))


def _write_events(step: Step) -> None:
    """Slice by slice of days, so that a hundred copies need no more memory than one."""
    with _timed("web: click events"):
        waiting = [event_files.take_pending(step.places.pending, step.window)]
        for window in _slices(step.window, step.clock.scale):
            lines = pl.concat([*(_event_lines(step, copy, window) for copy in step.copies), *waiting])
            waiting = [lines.filter(pl.col("received_at") >= window.before)]
            event_files.write(step.places.events, lines.filter(pl.col("received_at") < window.before))
            LOG.info("web: events up to %s", (window.before - timedelta(days=1)).date())
        event_files.keep_pending(step.places.pending, pl.concat(waiting), step.window)


def _slices(window: Window, scale: float) -> Iterator[Window]:
    size = timedelta(days=max(1, min(31, int(300 / scale))))
    begin = max(window.after, Window.days(FIRST_DAY, FIRST_DAY).after)
    while begin < window.before:
        end = min(begin + size, window.before)
        yield Window(begin, end)
        begin = end


def _event_lines(step: Step, copy: Copy, window: Window) -> pl.DataFrame:
    """The encoded events of a copy, faults included; lines may arrive after the window."""
    events, faults = web.events(copy, window), step.faults
    events = events.with_columns(faults.late(events))
    broken = faults.breaks("web.events", events, ["session", "step"], key="event_id")
    true = event_files.encode(broken).with_columns(broken["_fault"])
    lines = true
    for kind, text in LINE_FAULTS.items():
        lines = lines.with_columns(pl.when(pl.col("_fault") == kind).then(text).otherwise("line").alias("line"))
        faults.remember("web.events", kind, ["event_id"], true, lines.select("_fault", "line"))
    again = (pl.col("_fault") == "delivered again").fill_null(value=False)
    second = lines.with_columns(faults.again(broken).alias("received_at")).filter(again)
    return pl.concat([lines, second]).drop("_fault")


def _write_crm(step: Step) -> None:
    """Exported at the founding, and again when there are faults to write."""
    if step.fresh or step.faults.rate:
        known = [entry for entry in ledger.read(step.places.ledger) if entry.source == "crm"]
        broken = crm.export(step.places.crm, step.copies, step.faults.rate, step.faults.day, known)
        step.faults.entries.extend(broken)
