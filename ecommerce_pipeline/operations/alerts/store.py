"""What is open, and what is still to be told: kept in the catalog's database, on SQLite and PostgreSQL alike.

An incident and the messages about it are one transaction, together with the mark up to which runs were looked at. So
a crash at any moment loses none and doubles none; what was handed to a receiver and not noted, by a crash in between,
is sent again under the same number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, String, Table, Text, insert, select, update

from ecommerce_pipeline.lakehouse import database
from ecommerce_pipeline.operations.alerts.notice import Notice
from ecommerce_pipeline.settings import Settings

FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
MOST_REFUSALS = 5  # a message that its receiver will not take is given up after so many; one that meets nobody never
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
WAITING, REFUSED, TOLD, GIVEN_UP = "waiting", "refused", "told", "given up"

own = MetaData()
# Times are milliseconds since 1970 in UTC, as in the lake's other tables; marks are microseconds.
incidents = Table(
    "alert_incidents",
    own,
    Column("id", Integer, primary_key=True),
    Column("key", String(255), nullable=False, index=True),
    Column("opened_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Column("notice", Text, nullable=False),
)
deliveries = Table(
    "alert_deliveries",
    own,
    Column("id", Integer, primary_key=True),
    Column("channel", String(255), nullable=False),
    Column("notice", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("next_at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
)
marks = Table(
    "alert_marks", own, Column("name", String(64), primary_key=True), Column("at", BigInteger, nullable=False)
)


@dataclass(frozen=True)
class Delivery:
    """A message to one channel, and how far it has come."""

    number: int
    channel: str
    notice: Notice
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


@contextmanager
def opened(settings: Settings) -> Iterator[Connection]:
    """One writing transaction, the tables made. Who changes something holds the lease `alerts` around it."""
    with database.transaction(settings) as connection:
        own.create_all(connection)
        yield connection


def open_keys(connection: Connection) -> set[str]:
    """The incidents that last."""
    return set(connection.scalars(select(incidents.c.key).where(incidents.c.closed_at.is_(None))))


def open_incident(connection: Connection, notice: Notice, since: datetime) -> bool:
    """Open it, unless it is open or was closed by something later than this; whether it is new."""
    mine = select(incidents.c.closed_at).where(incidents.c.key == notice.incident)
    closed = list(connection.scalars(mine))
    if any(at is None or at >= _ms(since) for at in closed):
        return False
    values = {"key": notice.incident, "opened_at": _ms(since), "notice": notice.to_json()}
    connection.execute(insert(incidents).values(values))
    return True


def close_incident(connection: Connection, key: str, at: datetime) -> Notice | None:
    """Close it if it is open; its notice."""
    mine = (incidents.c.key == key) & incidents.c.closed_at.is_(None)
    found = connection.scalar(select(incidents.c.notice).where(mine))
    if found is None:
        return None
    connection.execute(update(incidents).where(mine).values(closed_at=_ms(at)))
    return Notice.from_json(found)


def enqueue(connection: Connection, channel: str, notice: Notice, now: datetime) -> None:
    """One message to be told."""
    at = _ms(now)
    values = {"channel": channel, "notice": notice.to_json(), "made_at": at, "next_at": at}
    connection.execute(insert(deliveries).values(**values, state=WAITING, tries=0, error=""))


def waiting(connection: Connection) -> list[Delivery]:
    """Messages to be told, in the order they were made."""
    rows = connection.execute(
        select(deliveries).where(deliveries.c.state.in_([WAITING, REFUSED])).order_by(deliveries.c.id)
    )
    return [_delivery(row) for row in rows]


def keep(connection: Connection, delivery: Delivery) -> None:
    """Keep how far a message has come."""
    values = {
        "state": delivery.state,
        "tries": delivery.tries,
        "next_at": _ms(delivery.next_at),
        "error": delivery.error,
    }
    connection.execute(update(deliveries).where(deliveries.c.id == delivery.number).values(values))


def mark(connection: Connection, name: str) -> datetime | None:
    """The time kept under a name."""
    at = connection.scalar(select(marks.c.at).where(marks.c.name == name))
    return EPOCH + at * MICROSECOND if at is not None else None


def set_mark(connection: Connection, name: str, at: datetime) -> None:
    """Keep a time under a name, to the microsecond: it is compared with Dagster's own."""
    value = (at.astimezone(UTC) - EPOCH) // MICROSECOND
    if not connection.execute(update(marks).where(marks.c.name == name).values(at=value)).rowcount:
        connection.execute(insert(marks).values(name=name, at=value))


def since(connection: Connection, at: datetime) -> list[tuple[Notice, datetime | None]]:
    """Incidents that were open at some moment since `at`, the latest first, and when each was closed."""
    lasted = incidents.c.closed_at.is_(None) | (incidents.c.closed_at >= _ms(at))
    rows = connection.execute(select(incidents).where(lasted).order_by(incidents.c.id.desc()))
    return [(Notice.from_json(row.notice), _time(row.closed_at) if row.closed_at else None) for row in rows]


def undelivered(connection: Connection) -> Sequence[Delivery]:
    """Messages that did not reach their receiver, given up ones too."""
    mine = (deliveries.c.state != TOLD) & (deliveries.c.tries > 0)
    rows = connection.execute(select(deliveries).where(mine).order_by(deliveries.c.id))
    return [_delivery(row) for row in rows]


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row.id, row.channel, Notice.from_json(row.notice), row.tries, _time(row.next_at), row.state, row.error
    )


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
