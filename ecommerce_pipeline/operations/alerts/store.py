"""What is open, and what is still to be told: kept in the catalog's database, on SQLite and PostgreSQL alike.

An incident and the messages about it (the outbox's) are one transaction, together with the mark up to which runs were
looked at. So a crash at any moment loses none and doubles none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, String, Table, Text, insert, select, update

from ecommerce_pipeline.lakehouse import database
from ecommerce_pipeline.operations import outbox
from ecommerce_pipeline.operations.alerts.findings import Healed
from ecommerce_pipeline.operations.alerts.notice import Notice
from ecommerce_pipeline.settings import Settings

TOPIC = "alerts"  # in the outbox
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

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
marks = Table(
    "alert_marks", own, Column("name", String(64), primary_key=True), Column("at", BigInteger, nullable=False)
)


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


def close_incident(connection: Connection, healed: Healed) -> Notice | None:
    """Close it if it is open and is what is meant; its notice."""
    mine = (incidents.c.key == healed.key) & incidents.c.closed_at.is_(None)
    if not healed.is_present:
        mine &= incidents.c.opened_at <= _ms(healed.at)
    found = connection.scalar(select(incidents.c.notice).where(mine))
    if found is None:
        return None
    connection.execute(update(incidents).where(mine).values(closed_at=_ms(healed.at)))
    return Notice.from_json(found)


def enqueue(connection: Connection, channel: str, notice: Notice, now: datetime) -> None:
    """One message to be told."""
    outbox.put(connection, TOPIC, channel, notice.to_json(), now)


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


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
