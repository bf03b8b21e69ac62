"""What a catalog that shows production points at: the authority on what the sweep spares for its readers.

Such a catalog writes metadata files of its own beside the tables', and nothing else in the lake names them. From before
it is told something until all of it has landed, its files are not known: a refusal half-way, a crash or a line that
breaks may leave it so. The sweep's time then stands still at that moment, until it is told again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from ecommerce_pipeline.lakehouse.database import lake_facts, mirrored_pointers

_UNKNOWN_SINCE = "mirror_unknown_since"  # milliseconds since 1970, UTC


def locations(connection: Connection) -> set[str]:
    """The metadata files it is known to point at, or to have pointed at until it last followed."""
    return set(connection.scalars(select(mirrored_pointers)))


def unknown_since(connection: Connection) -> datetime | None:
    """Since when (UTC) it may point at something else too; None if it does not."""
    found = connection.scalar(select(lake_facts.c.value).where(lake_facts.c.name == _UNKNOWN_SINCE))
    return datetime.fromtimestamp(int(found) / 1000, UTC) if found else None


def begin(connection: Connection, held: Iterable[str], at_ms: int) -> None:
    """It holds these and is about to be told what production has held since that moment."""
    _only_known(connection, held)
    connection.execute(insert(lake_facts).values(name=_UNKNOWN_SINCE, value=str(at_ms)))


def followed(connection: Connection, held: Iterable[str]) -> None:
    """It holds what production holds: of all that is known only these matter from now on."""
    connection.execute(delete(mirrored_pointers))
    _only_known(connection, held)


def _only_known(connection: Connection, held: Iterable[str]) -> None:
    new = sorted(set(held) - locations(connection))
    if new:
        connection.execute(insert(mirrored_pointers), [{"metadata_location": one} for one in new])
    connection.execute(delete(lake_facts).where(lake_facts.c.name == _UNKNOWN_SINCE))
