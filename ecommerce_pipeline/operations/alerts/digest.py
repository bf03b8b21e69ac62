"""The day in one message: what lasts, what came and went, and how many runs there were. It also shows that the telling
itself works, so it comes on quiet days as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from dagster import DagsterInstance
from sqlalchemy import Connection

from ecommerce_pipeline.operations import history
from ecommerce_pipeline.operations.alerts import channels, store
from ecommerce_pipeline.operations.alerts.notice import Notice
from ecommerce_pipeline.settings import Settings

DAY = timedelta(days=1)
SENT = "digest"


def if_due(connection: Connection, settings: Settings, instance: DagsterInstance, now: datetime) -> None:
    """Enqueue the digest once a day, at the hour of the settings (UTC) or with the first look after it, even if that is
    the next morning's; the first look of all only takes note.
    """
    if settings.alerts_digest_hour < 0:
        return
    due = now.replace(hour=settings.alerts_digest_hour, minute=0, second=0, microsecond=0)
    if now < due:
        due -= DAY
    last = store.mark(connection, SENT)
    if last is not None and last >= due:
        return
    if last is not None:
        enqueue(connection, settings, instance, now)
    store.set_mark(connection, SENT, now)


def enqueue(connection: Connection, settings: Settings, instance: DagsterInstance, now: datetime) -> Notice:
    """The digest of the 24 hours before `now`, for those who are told of everything."""
    said = _of(store.since(connection, now - DAY), history.ended_since(instance, now - DAY), now)
    for channel in channels.of_owners(settings, ()):
        store.enqueue(connection, channel.name, said, now)
    return said


def _of(incidents: list[tuple[Notice, datetime | None]], ended: Iterable[history.EndedRun], now: datetime) -> Notice:
    runs = list(ended)
    failed = sum(not run.succeeded for run in runs)
    lasting = [said for said, closed in incidents if closed is None]
    over = [(said, closed) for said, closed in incidents if closed is not None]
    lines = [
        f"{len(runs)} runs ended, {failed} of them failed.",
        *(f"open since {said.since}: {said.what}" for said in lasting),
        *(f"over, {said.since} to {closed:%Y-%m-%dT%H:%M:%SZ}: {said.what}" for said, closed in over),
    ]
    what = (
        f"{now:%Y-%m-%d}, {len(lasting)} incidents open, {len(over)} over"
        if incidents
        else f"{now:%Y-%m-%d}, all is well"
    )
    return Notice("digest", "digest", "digest", what, "", cause="\n".join(lines))
