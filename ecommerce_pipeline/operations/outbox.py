"""What is still to be handed to others: kept in the catalog's database, sent again until it is taken.

A message is written in the transaction of whatever it is about, so a crash loses none. A receiver that cannot be
reached is asked again after a minute, then later and later; what it refuses is given up after a few tries; what an
error of ours keeps back is logged, tried on, and holds up no other. What was handed over and not noted, by a crash in
between, is sent again under the same number. Whoever sends a topic holds a lease, so that nobody else sends it at the
same time. What was handed over or given up is kept for a month.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from ecommerce_pipeline.lakehouse import database
from ecommerce_pipeline.settings import Settings

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
KEPT = timedelta(days=30)  # of what is over
MOST_REFUSALS = 5  # a message that its receiver will not take is given up after so many; one that meets nobody never
TRY_AGAIN = {408, 425, 429}  # of HTTP's 4xx; the others say that this message will never be taken
WAITING, REFUSED, FAILED, TOLD, GIVEN_UP = "waiting", "refused", "failed", "told", "given up"

own = MetaData()
# Times are milliseconds since 1970 in UTC, as in the lake's other tables.
messages = Table(
    "outbox",
    own,
    Column("id", Integer, primary_key=True),
    Column("topic", String(64), nullable=False, index=True),
    Column("channel", String(255), nullable=False),
    Column("body", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
)


class Unreachable(Exception):  # noqa: N818 (what it is, not an error of ours)
    """The receiver did not take the message now; it may later."""


class Refused(Exception):  # noqa: N818 (as above)
    """The receiver answered that it will not take this message."""


@dataclass(frozen=True)
class Delivery:
    """A message to one channel, and how far it has come; `next_at` is UTC."""

    number: int
    channel: str
    body: str
    tries: int
    next_at: datetime
    state: str
    error: str

    def is_told(self) -> Delivery:
        """Its receiver has it."""
        return replace(self, state=TOLD, error="")

    def is_given_up(self, error: str) -> Delivery:
        """Nobody will have it."""
        return replace(self, state=GIVEN_UP, error=error)

    def is_put_off(self, error: str, now: datetime, *, refused: bool) -> Delivery:
        """It was not taken: again later, twice as late each time, up to `LONGEST_WAIT`."""
        tries = self.tries + 1
        wait = min(FIRST_WAIT * 2 ** min(tries - 1, 10), LONGEST_WAIT)
        state = WAITING if not refused else REFUSED if tries < MOST_REFUSALS else GIVEN_UP
        return replace(self, state=state, tries=tries, next_at=now + wait, error=error)

    def has_failed(self, error: Exception, now: datetime) -> Delivery:
        """Not the receiver, but we were at fault: again later, never given up, and the next one need not wait for it.
        The error's text is left to the log: it may show an address.
        """
        said = f"{type(error).__name__}, which nobody expected. Next: look for its traceback in the log"
        return replace(self.is_put_off(said, now, refused=False), state=FAILED)


Send = Callable[[Delivery], None]  # raises Unreachable or Refused
Sender = Callable[[str], Send | None]  # of a channel; none when the settings no longer name it


def put(connection: Connection, topic: str, channel: str, body: str, now: datetime) -> None:
    """One message to be handed over; forgets what has been over for long."""
    own.create_all(connection)
    over = messages.c.state.in_([TOLD, GIVEN_UP]) & (messages.c.made_at < _ms(now - KEPT))
    connection.execute(delete(messages).where(over))
    values = {"topic": topic, "channel": channel, "body": body, "made_at": _ms(now), "next_at": _ms(now)}
    connection.execute(insert(messages).values(**values, state=WAITING, tries=0, error=""))


def waiting(connection: Connection, topic: str) -> list[Delivery]:
    """Messages to be handed over, in the order they were made."""
    own.create_all(connection)
    mine = (messages.c.topic == topic) & messages.c.state.in_([WAITING, REFUSED, FAILED])
    return [_delivery(row) for row in connection.execute(select(messages).where(mine).order_by(messages.c.id))]


def undelivered(connection: Connection) -> list[Delivery]:
    """Messages of every topic that did not reach their receiver, given up ones too."""
    own.create_all(connection)
    mine = (messages.c.state != TOLD) & (messages.c.tries > 0)
    return [_delivery(row) for row in connection.execute(select(messages).where(mine).order_by(messages.c.id))]


def send(settings: Settings, topic: str, sender: Sender, now: datetime) -> tuple[int, list[str]]:
    """Send what waits and is due, each channel's in order; how many went out, and a line a channel that took none."""
    with database.transaction(settings) as connection:
        held = waiting(connection, topic)
    told, failures, silent = 0, list[str](), set[str]()
    for delivery in held:
        if delivery.channel in silent:
            continue
        sent = _send(settings, sender(delivery.channel), delivery, now) if delivery.next_at <= now else delivery
        if sent.state == TOLD:
            told += 1
        else:
            failures.append(f"{sent.channel}, again at {sent.next_at:%H:%M:%S} UTC: {sent.error}")
        if sent.state == WAITING:  # whoever did not take one is not asked to take the next before it
            silent.add(sent.channel)
    return told, failures


def answered(where: str, status: int) -> Unreachable | Refused:
    """What an HTTP status that is not a success means for the message."""
    lasting = 400 <= status < 500 and status not in TRY_AGAIN
    return (Refused if lasting else Unreachable)(f"{where} answered HTTP {status}")


def _send(settings: Settings, send_it: Send | None, delivery: Delivery, now: datetime) -> Delivery:
    """Send one message, keep what came of it, and say so."""
    try:
        if send_it is not None:
            send_it(delivery)
            sent = delivery.is_told()
        else:
            sent = delivery.is_given_up("the settings no longer name this address")
    except (Unreachable, Refused) as error:
        sent = delivery.is_put_off(str(error), now, refused=isinstance(error, Refused))
    except Exception as error:  # one message must not keep all that come after it
        log.exception("message %s to %s could not be sent", delivery.number, delivery.channel)
        sent = delivery.has_failed(error, now)
    with database.transaction(settings) as connection:
        _keep(connection, sent)
    return sent


def _keep(connection: Connection, one: Delivery) -> None:
    values = {"state": one.state, "tries": one.tries, "next_at": _ms(one.next_at), "error": one.error}
    connection.execute(update(messages).where(messages.c.id == one.number).values(values))


def _delivery(row: Any) -> Delivery:
    due = datetime.fromtimestamp(row.next_at / 1000, UTC)
    return Delivery(row.id, row.channel, row.body, row.tries, due, row.state, row.error)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
