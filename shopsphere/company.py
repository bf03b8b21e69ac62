"""The company: founded by `seed`, lives by `simulate`, and tells how to reach its systems by `connection_settings`.

Both write the same thing: for every system, the rows whose latest change falls into a window of company time, taken
from a history that is a pure function of the seed and the scale. The seed's window begins with time itself, a simulated
day's with the day. Hence seeding to D + 7 equals seeding to D and letting seven days pass, one by one or at once. A
step that was interrupted is finished by the next call, with the window and the faults it was begun with.
"""

from __future__ import annotations

import logging
import shutil
from datetime import date, timedelta
from pathlib import Path

from ecommerce_pipeline.env_file import keep
from shopsphere import services
from shopsphere.databases import Databases, embedded
from shopsphere.draws import Draws
from shopsphere.faults import Faults
from shopsphere.state import (
    DEFAULT_SEED,
    FIRST_DAY,
    LAST_DAY,
    Clock,
    CompanyError,
    Places,
    Window,
    read_clock,
    secret,
    write_clock,
)
from shopsphere.step import Step

LOG = logging.getLogger(__name__)


def seed(
    home: Path,
    scale: float,
    until: date,
    seed: int = DEFAULT_SEED,
    faults: float = 0.0,
    *,
    databases: Databases | None = None,
) -> Clock:
    """Founds the company below `home` and brings it to the end of the day `until` (UTC); the servers of its
    `databases` (None: the embedded ones) must be running.

    A company of the same seed and scale that stands earlier is brought forward, one that stands there or later is left
    alone. Raises CompanyError if there is another company, if `until` is outside the data, or if the database does not
    answer.
    """
    _check(until, faults)
    clock, databases = read_clock(home), databases or embedded(home)
    if clock is None:
        founded = Clock(seed, scale, FIRST_DAY, shop=databases.shop.kind)
        return _found(home, databases, founded.towards(until, faults))
    if (clock.seed, clock.scale) != (seed, scale):
        raise CompanyError(
            f"a company of scale {clock.scale:g} and seed {clock.seed} lives in {home}; "
            f"scale {scale:g} and seed {seed} would be another. "
            "Next: `shopsphere reset`, then seed again"
        )
    if clock.day < until or clock.until:
        return simulate(home, until=until, faults=faults, databases=databases)
    _check_shop(clock, databases)
    return clock


def simulate(
    home: Path,
    days: int | None = None,
    until: date | None = None,
    faults: float = 0.0,
    *,
    databases: Databases | None = None,
) -> Clock:
    """Lets `days` more days pass, or all up to the end of `until` (UTC), and gives the new clock; `faults` is the
    share of records to break.

    Raises CompanyError beyond the data's end, when there is no company yet, or if the database does not answer.
    """
    clock, databases = read_clock(home), databases or embedded(home)
    if clock is None:
        raise CompanyError(f"no company lives in {home}. Next: `shopsphere demo` founds it")
    _check_shop(clock, databases)
    if clock.until:
        LOG.info("finishing the step to %s that was interrupted", clock.until)
        clock = _live(home, databases, clock)
    goal = until or clock.day + timedelta(days=1 if days is None else days)
    _check(goal, faults)
    if goal <= clock.day:
        LOG.info("the company already stands at the end of %s", clock.day)
        return clock
    return _live(home, databases, clock.towards(goal, faults))


def connection_settings(home: Path, databases: Databases | None = None) -> dict[str, str]:
    """The pipeline's SHOPSPHERE_* settings for the company's systems; they hold secrets. Ask again after each
    start: a port may have moved.
    """
    places, databases = Places(home), databases or embedded(home)
    return {
        "SHOPSPHERE_SHOP_URL": databases.shop.reader_url,
        "SHOPSPHERE_CATALOG_URL": databases.catalog.reader_url,
        "SHOPSPHERE_HUBSPOT_URL": f"http://127.0.0.1:{services.port(home, 'hubspot')}",
        "SHOPSPHERE_HUBSPOT_TOKEN": secret(home, "hubspot"),
        "SHOPSPHERE_WEB_EVENTS_PATH": str(places.events),
        "SHOPSPHERE_CRM_PATH": str(places.crm),
    }


def write_connection_settings(home: Path, env_file: Path, databases: Databases | None = None) -> None:
    """Puts the connection settings into `env_file` (0600), leaving every other line as it is."""
    keep(env_file, connection_settings(home, databases))


def _check(until: date, faults: float) -> None:
    if until > LAST_DAY:
        raise CompanyError(
            f"the data ends on {LAST_DAY}: the company cannot live to {until}. Next: choose an earlier day"
        )
    if until < FIRST_DAY:
        raise CompanyError(f"the company opened on {FIRST_DAY}: it cannot stand at {until}. Next: choose a day of 2017")
    if not 0 <= faults <= 1:
        raise CompanyError(f"a fault rate of {faults} is not a share between 0 and 1. Next: try 0.05")


def _check_shop(clock: Clock, databases: Databases) -> None:
    if clock.shop != databases.shop.kind:
        raise CompanyError(
            f"the company's orders live in {clock.shop}, and here would be {databases.shop.kind}. "
            f"Next: start {clock.shop} (`shopsphere stack status`), or `shopsphere reset` and seed again"
        )


def _found(home: Path, databases: Databases, clock: Clock) -> Clock:
    """The first step: whatever an interrupted one left is thrown away."""
    places = Places(home)
    for folder in (places.events, places.crm, places.hubspot.parent, places.ledger.parent):
        shutil.rmtree(folder, ignore_errors=True)
    databases.shop.prepare()
    databases.catalog.prepare()
    return _write(home, databases, clock, Window.days(None, clock.until or clock.day), fresh=True)


def _live(home: Path, databases: Databases, clock: Clock) -> Clock:
    """A later step; noted beside the clock before anything is written."""
    write_clock(home, clock)
    window = Window.days(clock.day + timedelta(days=1), clock.until or clock.day)
    return _write(home, databases, clock, window, fresh=False)


def _write(home: Path, databases: Databases, clock: Clock, window: Window, *, fresh: bool) -> Clock:
    Step(home, databases, clock, window, fresh, Faults(clock.faults, Draws(clock.seed), window)).write()
    arrived = clock.arrived()
    write_clock(home, arrived)
    return arrived
