"""Leases: the authority on who may write what. One writer a table and one builder a branch.

A lease is a row in the catalog's database, renewed by a heartbeat. Its holder is known by host, pid and the moment the
process started, so that a killed one on this machine is replaced at once. One that has been silent for its time to live
is replaced wherever it is: on this machine it may live on, and only its giving back have failed. A holder that slept
through its time finds its lease gone and must not commit; Iceberg's own compare-and-set is the second net under that.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from ecommerce_pipeline.lakehouse import database, processes
from ecommerce_pipeline.lakehouse.database import leases
from ecommerce_pipeline.lakehouse.errors import CatalogUnreadable, LeaseHeld, LeaseLost
from ecommerce_pipeline.lakehouse.pointers import now_ms
from ecommerce_pipeline.settings import Settings, get_settings

TIME_TO_LIVE_SECONDS = 90
HEARTBEAT_SECONDS = 15
_POLL_SECONDS = 0.2
_OUTAGE = (SQLAlchemyError, CatalogUnreadable)

log = logging.getLogger(__name__)


class Lease:
    """A held lease; it renews itself until the block that holds it ends."""

    def __init__(self, settings: Settings, resources: Sequence[str], token: str) -> None:
        self.resources = tuple(resources)
        self._settings = settings
        self._token = token
        self._ended = threading.Event()
        self._beat = threading.Thread(target=self._renew_until_ended, name="lease-heartbeat", daemon=True)
        self._beat.start()

    def check(self, connection: Connection | None = None) -> None:
        """Raise LeaseLost unless the lease is still held: call it before what must not happen twice.

        In a writing transaction, give its connection: nobody takes the lease over then before that transaction ends.
        """
        if connection is None:
            with database.snapshot(self._settings) as reading:
                return self.check(reading)
        mine = select(leases.c.resource).where(leases.c.token == self._token)
        if connection.get_execution_options().get("writes"):
            mine = mine.with_for_update(read=True, key_share=True)  # the heartbeat may go on, a takeover waits
        if len(connection.execute(mine).all()) != len(self.resources):
            raise LeaseLost(
                f"the lease on {', '.join(self.resources)} was taken over after {TIME_TO_LIVE_SECONDS} s without a "
                "sign of life; nothing more may be written under it. Next: run again"
            )

    def end(self) -> None:
        """Stop renewing and give the resources back; if the database does not answer, they are free once the lease has
        been silent for its time, and a warning says so: what the block did stands.
        """
        self._ended.set()
        self._beat.join()
        try:
            with database.transaction(self._settings) as connection:
                connection.execute(delete(leases).where(leases.c.token == self._token))
        except _OUTAGE as error:
            log.warning(
                "the lease on %s could not be given back and is free in %s s: %s",
                ", ".join(self.resources),
                TIME_TO_LIVE_SECONDS,
                " ".join(str(error).split())[:300],
            )

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            # a database that restarts must not end the renewing: within the time to live the next beat is in time
            with suppress(*_OUTAGE), database.transaction(self._settings) as connection:
                mine = update(leases).where(leases.c.token == self._token)
                connection.execute(mine.values(heartbeat_at=now_ms()))


@contextmanager
def hold(settings: Settings, resources: Sequence[str], holder: str, wait_seconds: float = 0) -> Iterator[Lease]:
    """Hold all resources ("table:raw_shop.orders", "branch:lake_next") or none, while the block runs.

    `holder` is what others are told. Waits up to `wait_seconds`, then raises LeaseHeld: who, since when, what next.
    """
    token = str(uuid.uuid4())
    deadline = time.monotonic() + wait_seconds
    while (taken := _take(settings, sorted(set(resources)), holder, token)) is not None:
        if time.monotonic() >= deadline:
            raise LeaseHeld(taken)
        time.sleep(_POLL_SECONDS)
    lease = Lease(settings, sorted(set(resources)), token)
    try:
        yield lease
    finally:
        lease.end()


def hold_tables(tables: Sequence[str], holder: str) -> AbstractContextManager[Lease]:
    """Hold tables by address ("raw_shop.orders"): the entry for writers that know no settings, such as the target."""
    return hold(get_settings(), [f"table:{table}" for table in tables], holder)


def _take(settings: Settings, resources: Sequence[str], holder: str, token: str) -> str | None:
    """Take all; None on success, else who stands in the way."""
    pid, process_started = processes.own()
    mine = {"token": token, "holder": holder, "host": processes.HOST, "pid": pid, "process_started": process_started}
    try:
        with database.transaction(settings) as connection:
            for resource in resources:
                if (obstacle := _clear(connection, resource)) is not None:
                    connection.rollback()
                    return obstacle
                at = now_ms()
                connection.execute(insert(leases).values(resource=resource, acquired_at=at, heartbeat_at=at, **mine))
    except IntegrityError:  # PostgreSQL: another process inserted the same row first
        return f"{', '.join(resources)} was taken by another process this very moment. Next: run again"
    return None


def _clear(connection: Connection, resource: str) -> str | None:
    """Remove a dead holder's row; None if the way is free, else who holds it."""
    held = connection.execute(select(leases).where(leases.c.resource == resource).with_for_update()).first()
    if held is None:
        return None
    if _is_dead(held):
        connection.execute(delete(leases).where(leases.c.resource == resource))
        return None
    since = datetime.fromtimestamp(held.acquired_at / 1000, UTC)
    return (
        f"{resource} is being written by {held.holder} (pid {held.pid} on {held.host}) since "
        f"{since:%Y-%m-%d %H:%M:%S} UTC. Next: wait for it to end, or stop process {held.pid}; its lease is "
        f"free once it is gone: at once on {held.host}, elsewhere {TIME_TO_LIVE_SECONDS} s after its last sign of life"
    )


def _is_dead(held: Row[Any]) -> bool:
    """Its process is gone, as far as that can be seen from here, or it has been silent for too long."""
    silent_ms: int = now_ms() - held.heartbeat_at
    if silent_ms > TIME_TO_LIVE_SECONDS * 1000:
        return True
    return bool(held.host == processes.HOST and processes.started(held.pid) != held.process_started)
