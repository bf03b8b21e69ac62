"""Files that nothing needs any more: the authority on which files of the warehouse may be deleted.

A file stays that something reaches: production, a branch or what it started from, a kept snapshot, what another catalog
shows, a pointer given up so recently that a reader may still have it pinned. What is younger than the grace stays too:
it may be a commit on its way.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from ecommerce_pipeline.lakehouse import contents, database, mirrored
from ecommerce_pipeline.lakehouse.branch import changes
from ecommerce_pipeline.lakehouse.catalog import catalog_properties
from ecommerce_pipeline.lakehouse.database import branches, retired_pointers
from ecommerce_pipeline.lakehouse.errors import LakehouseError
from ecommerce_pipeline.lakehouse.files import StoredFile, delete_files, list_files
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.pointers import rows
from ecommerce_pipeline.lakehouse.reachability import Reach
from ecommerce_pipeline.settings import Settings

FILES = "warehouse files"  # the lease of who deletes what nothing reaches, or is about to point at it again
GRACE = timedelta(days=1)  # longer than any query or any commit on its way


class Sweep(NamedTuple):
    """What a sweep deleted, or with `dry_run` would delete."""

    files: tuple[StoredFile, ...]
    dry_run: bool

    @property
    def bytes(self) -> int:
        """Size of all of it."""
        return sum(file.bytes for file in self.files)

    def __str__(self) -> str:
        return f"{len(self.files):,} files of {self.bytes:,} bytes" + (" would go" if self.dry_run else "")


def sweep(settings: Settings, older_than: timedelta = GRACE, *, dry_run: bool = False) -> Sweep:
    """Delete the warehouse's files that nothing reaches and that are older than `older_than`.

    `older_than` is also how long a given-up pointer is still honoured; keep it longer than any query or commit. Raises
    LakehouseError if a table's own files are missing, LeaseHeld beside another sweep or a restore; nothing is deleted
    then.
    """
    if dry_run:
        return Sweep(_doomed(settings, _limit(settings, older_than)), dry_run)
    with hold(settings, [FILES], "a sweep of the warehouse") as lease:
        limit = _limit(settings, older_than)
        doomed = _doomed(settings, limit)
        lease.check()
        delete_files(settings, (file.path for file in doomed))
        _forget_retired(settings, limit)
    return Sweep(doomed, dry_run)


def _limit(settings: Settings, older_than: timedelta) -> datetime:
    now = datetime.now(UTC)
    with database.snapshot(settings) as connection:
        unknown_since = mirrored.unknown_since(connection) if settings.mirror_uri else None
    return min(now, unknown_since or now) - older_than


def _doomed(settings: Settings, limit: datetime) -> tuple[StoredFile, ...]:
    stored = list_files(settings)  # before the pointers are read: what is committed meanwhile is not in the list
    reached = _reach(settings, limit)
    return tuple(file for file in stored if file.path not in reached and file.written_at < limit)


def _reach(settings: Settings, limit: datetime) -> set[str]:
    recently = int(limit.timestamp() * 1000)
    with database.snapshot(settings) as connection:
        live = select(rows.c.metadata_location, rows.c.iceberg_type).where(rows.c.metadata_location.is_not(None))
        current = {r[0] for r in connection.execute(live) if r[1] != contents.VIEW}
        current |= _starts(connection)
        retired = select(retired_pointers.c.metadata_location).where(retired_pointers.c.retired_at >= recently)
        given_up = set(connection.scalars(retired)) | mirrored.locations(connection)
    reach = Reach(catalog_properties(settings))
    for location in sorted(current):
        _follow(reach, location)
    for location in sorted(given_up - current):
        # Its own writer may have removed it since (write.metadata.delete-after-commit): then no reader can be on it.
        with suppress(FileNotFoundError):
            reach.add(location)
    return reach.paths


def _starts(connection: Connection) -> set[str]:
    """What open branches are compared with: the tables they changed, as they were."""
    names = connection.scalars(select(branches.c.name)).all()
    found = [change for name in names for change in changes(connection, name)]
    views = {change.name for change in found if change.pointer and change.pointer.kind == contents.VIEW}
    return {change.base for change in found if change.base and change.name not in views}


def _follow(reach: Reach, location: str) -> None:
    try:
        reach.add(location)
    except FileNotFoundError as error:
        raise LakehouseError(
            f"a file that {location} needs is missing ({error}); nothing was deleted. Next: `shopsphere doctor`"
        ) from error


def _forget_retired(settings: Settings, limit: datetime) -> None:
    with database.transaction(settings) as connection:
        old = retired_pointers.c.retired_at < int(limit.timestamp() * 1000)
        connection.execute(delete(retired_pointers).where(old))
