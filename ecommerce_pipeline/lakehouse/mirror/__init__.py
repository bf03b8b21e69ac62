"""Production shown in somebody else's Iceberg REST catalog (Polaris, Nessie, Lakekeeper, Glue): the authority on what
is shown there and how it follows.

The lake's own SQL catalog stays what everything is written by; a foreign catalog cannot be branched, nor can a pointer
be moved in it (ADR 23). After each run, what the foreign catalog holds is compared with production and made equal:
tables it lacks are registered by their metadata files, all others get the new snapshots in one transaction, or table by
table where the catalog has no transaction over several. No file is copied, none is ever deleted from there. It can be
repeated at any time, and twice changes nothing.

A catalog that commits writes metadata files of its own beside the tables'. The lake's catalog keeps their addresses
(`mirrored`), or the sweep would take them for orphans.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata

from ecommerce_pipeline.lakehouse import database, mirrored
from ecommerce_pipeline.lakehouse.catalog import LAKE, catalog_properties
from ecommerce_pipeline.lakehouse.contents import read_metadata, tables_of
from ecommerce_pipeline.lakehouse.errors import MirrorRefused
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.mirror.difference import updates
from ecommerce_pipeline.lakehouse.mirror.foreign import Commit, Foreign
from ecommerce_pipeline.lakehouse.pointers import Name, now_ms
from ecommerce_pipeline.settings import Settings

LEASE = "mirror"
WAIT_SECONDS = 60.0  # two runs that end together tell it one after the other
Held = Mapping[Name, tuple[str, TableMetadata]]
Deed = Literal["registered", "moved", "as it was", "removed"]


class Shown(NamedTuple):
    """A table in the foreign catalog and what was done there; `at_once` is how those that moved did."""

    name: Name
    deed: Deed
    at_once: bool = True


def follow(settings: Settings) -> list[Shown]:
    """Make the foreign catalog hold production's tables of `mirror_schemas` as they are now; returns each of them.

    Raises MirrorRefused when a table of that name there is not ours, CatalogUnreadable when it does not answer, and
    LeaseHeld if somebody else tells it for long; what was done until then stays, and the next call goes on.
    """
    with hold(settings, [LEASE], "showing production in another catalog", wait_seconds=WAIT_SECONDS) as lease:
        began = now_ms()
        ours, foreign = _production(settings), Foreign.of(settings)
        theirs = _theirs(settings, foreign)
        before = _locations(settings, theirs)
        with database.transaction(settings) as connection:
            mirrored.begin(connection, before, began)
        shown = _show(settings, foreign, ours, theirs)
        moved = any(one.deed != "as it was" for one in shown)
        now = _locations(settings, _theirs(settings, foreign)) if moved else before
        with database.transaction(settings) as connection:
            lease.check(connection)
            mirrored.followed(connection, before | now)  # who read there when it followed may be reading still
    return shown


def _show(settings: Settings, foreign: Foreign, ours: Held, theirs: Mapping[Name, Table]) -> list[Shown]:
    for name, held in theirs.items():
        _must_be_ours(settings, name, held.metadata)
    commits: list[Commit] = []
    done: list[Shown] = []
    for name, (location, metadata) in ours.items():
        planned = updates(theirs[name].metadata, metadata) if name in theirs else None
        if planned is None:
            foreign.register(name, location, instead=name in theirs)
            done.append(Shown(name, "registered"))
        elif planned:
            commits.append(Commit(name, theirs[name].metadata, planned))
        else:
            done.append(Shown(name, "as it was"))
    at_once = foreign.commit(commits)
    for name in sorted(theirs.keys() - ours.keys()):
        foreign.remove(name)
        done.append(Shown(name, "removed"))
    return sorted([*done, *(Shown(commit.name, "moved", at_once) for commit in commits)])


def _production(settings: Settings) -> Held:
    with database.snapshot(settings) as connection:
        found = tables_of(connection, LAKE)
    properties, schemas = catalog_properties(settings), _schemas(settings)
    return {
        name: (location, read_metadata(properties, location))
        for name, location in found.items()
        if name.namespace in schemas
    }


def _theirs(settings: Settings, foreign: Foreign) -> Mapping[Name, Table]:
    return {name: held for schema in _schemas(settings) for name, held in foreign.tables(schema).items()}


def _locations(settings: Settings, theirs: Mapping[Name, Table]) -> set[str]:
    return {held.metadata_location for held in theirs.values() if _is_ours(settings, held.metadata)}


def _schemas(settings: Settings) -> list[str]:
    return settings.mirror_schemas.split()


def _is_ours(settings: Settings, held: TableMetadata) -> bool:
    return held.location.startswith(settings.warehouse.rstrip("/") + "/")


def _must_be_ours(settings: Settings, name: Name, held: TableMetadata) -> None:
    if not _is_ours(settings, held):
        raise MirrorRefused(
            f"the catalog {settings.mirror_uri} holds a table {name} at {held.location}, which is not this lake's: "
            "nothing was shown there. Next: rename that table, or choose other SHOPSPHERE_MIRROR_SCHEMAS or another "
            "SHOPSPHERE_MIRROR_WAREHOUSE"
        )
