"""One look at everything, and the telling: what Dagster's sensor does every minute, and the command line after a run.

Whoever looks holds a lease, so two at the same time cannot tell of the same thing. What is told was kept before, so a
receiver that is down, hangs or answers nonsense costs its own time-out and is tried again by the next look. The lake is
asked last, and a lake that cannot be read is an incident as well: its servers may be what the rest is about.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from dagster import DagsterInstance
from sqlalchemy import Connection

from ecommerce_pipeline.lakehouse import lease
from ecommerce_pipeline.operations import outbox
from ecommerce_pipeline.operations.alerts import channels, digest, lake, notice, runs, state, store
from ecommerce_pipeline.operations.alerts.channels import Channel
from ecommerce_pipeline.operations.alerts.findings import Finding, Healed, Wrong
from ecommerce_pipeline.operations.alerts.notice import Notice
from ecommerce_pipeline.operations.asset_graph import Graph
from ecommerce_pipeline.operations.outbox import Delivery
from ecommerce_pipeline.settings import Settings

log = logging.getLogger(__name__)

LOOKED_AT = "runs looked at"
ASKED_OF = "runs the lake was asked after"
FIRST_LOOK = timedelta(days=1)  # how far back the very first look goes
WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Look:
    """What a look found new, what it found well again, how many messages went out, and why others did not."""

    opened: tuple[Notice, ...]
    recovered: tuple[Notice, ...]
    told: int
    failures: tuple[str, ...]


def look(settings: Settings, instance: DagsterInstance, graph: Graph, now: datetime) -> Look:
    """Open, close and tell, as of `now` (UTC). Raises AlertsError for addresses that are none, LeaseHeld when another
    look takes longer than a minute, LakehouseError when the catalog's database cannot be reached.
    """
    channels.everybody(settings)  # said before anything is looked at
    with lease.hold(settings, ["alerts"], "a look for alerts", wait_seconds=WAIT_SECONDS):
        opened, recovered = _keep(settings, instance, graph, now)
        told, failures = tell(settings, now)
        # only now: a lake that hangs keeps nobody from hearing of the rest
        more_opened, more_recovered = _keep_of_lake(settings, graph, now)
        if more_opened or more_recovered:
            more_told, failures = tell(settings, now)
            told += more_told
    return Look((*opened, *more_opened), (*recovered, *more_recovered), told, tuple(failures))


def _keep(
    settings: Settings, instance: DagsterInstance, graph: Graph, now: datetime
) -> tuple[list[Notice], list[Notice]]:
    """Bring the incidents of runs and of the machine up to date; what was opened, and what closed."""
    with store.opened(settings) as connection:
        known, since = store.open_keys(connection), store.mark(connection, LOOKED_AT) or now - FIRST_LOOK
    # asking takes its time, so no transaction is open meanwhile; the lease keeps others out
    ended = runs.ended_since(instance, since)
    found: list[Finding] = [finding for record in ended for finding in runs.findings(instance, record)]
    found += _as_they_are(state.findings(settings, instance, graph, now, known), state.KINDS, known, now)
    with store.opened(settings) as connection:
        opened, recovered = _write(connection, settings, graph, found, now)
        if ended:
            store.set_mark(connection, LOOKED_AT, ended[-1].update_timestamp)
        digest.if_due(connection, settings, instance, now)
    return opened, recovered


def _keep_of_lake(settings: Settings, graph: Graph, now: datetime) -> tuple[list[Notice], list[Notice]]:
    """The same for what the last publication says, once after runs have ended; again at each look until it answers,
    its incidents meanwhile left as they are.
    """
    with store.opened(settings) as connection:
        known = store.open_keys(connection)
        looked, asked = store.mark(connection, LOOKED_AT), store.mark(connection, ASKED_OF)
    if looked is None or (asked is not None and asked >= looked):
        return [], []
    try:
        found = _as_they_are(lake.findings(settings, now), (*lake.KINDS, lake.UNREADABLE), known, now)
        asked = looked
    except Exception as error:  # engines, stores and catalogs have each their own
        log.info("the lake cannot be read", exc_info=True)
        found = [lake.unreadable(settings, error, now)]
    with store.opened(settings) as connection:
        if asked == looked:
            store.set_mark(connection, ASKED_OF, looked)
        return _write(connection, settings, graph, found, now)


def _as_they_are(wrongs: Iterable[Wrong], kinds: Iterable[str], known: Iterable[str], now: datetime) -> list[Finding]:
    """What is wrong at this moment, and that everything else of these kinds is not."""
    found = {wrong.key: wrong for wrong in wrongs}
    over = [key for key in sorted(known) if key.partition(":")[0] in set(kinds) and key not in found]
    return [*found.values(), *(Healed(key, now, is_present=True) for key in over)]


def _write(
    connection: Connection, settings: Settings, graph: Graph, found: Iterable[Finding], now: datetime
) -> tuple[list[Notice], list[Notice]]:
    opened, recovered = [], []
    for finding in found:
        if isinstance(finding, Wrong):
            said = notice.of(settings, graph, finding)
            if store.open_incident(connection, said, finding.since):
                opened.append(said)
        elif (was := store.close_incident(connection, finding)) is not None:
            recovered.append(was.recovered(finding.at))
    for said in [*opened, *recovered]:
        for channel in channels.of_owners(settings, said.owners):
            store.enqueue(connection, channel.name, said, now)
    return opened, recovered


def tell(settings: Settings, now: datetime) -> tuple[int, list[str]]:
    """Send what waits and is due, each channel's in order; how many went out, and a line a channel that took none."""
    known = {channel.name: channel for channel in channels.everybody(settings)}

    def sender(name: str) -> outbox.Send | None:
        return partial(_hand_over, settings, known[name]) if name in known else None

    return outbox.send(settings, store.TOPIC, sender, now)


def _hand_over(settings: Settings, channel: Channel, delivery: Delivery) -> None:
    channel.send(settings, Notice.from_json(delivery.body), delivery.number)
