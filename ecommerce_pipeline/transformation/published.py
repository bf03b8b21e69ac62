"""The project as production is built from it: what a change is compared with.

After every publication the manifest is kept in the catalog's database, beside the pointers it belongs to, so that a
developer's machine and a build server find it wherever the lake is. A publication of some models renews those alone:
the others are still as an earlier project made them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, delete, insert, inspect, select

from ecommerce_pipeline.lakehouse import database, pointers
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation import dbt
from ecommerce_pipeline.transformation.project import Manifest

PROJECT = "dbt"
OWN_ROWS = ("nodes", "sources", "unit_tests")  # parts of a manifest that belong to one node each

own = MetaData()
projects = Table(
    "published_projects",
    own,
    Column("name", String(64), primary_key=True),
    Column("published_at", BigInteger, nullable=False),  # milliseconds since 1970, UTC
    Column("manifest", LargeBinary, nullable=False),  # JSON, gzip
)


class NothingPublished(dbt.DbtError):
    """No publication has left its project yet, so nothing can be said to have changed since."""


def keep(settings: Settings, manifest: Manifest, built: Collection[str], *, everything: bool) -> None:
    """Remember what was published: the whole project, or of an earlier one the nodes `built` (unique ids) anew."""
    now = manifest if everything else _renewed(_read(settings), manifest, built)
    packed = gzip.compress(json.dumps(now).encode(), compresslevel=6, mtime=0)
    with database.transaction(settings) as connection:
        own.create_all(connection)
        connection.execute(delete(projects).where(projects.c.name == PROJECT))
        values = {"name": PROJECT, "published_at": pointers.now_ms(), "manifest": packed}
        connection.execute(insert(projects).values(values))


def write(settings: Settings, folder: Path) -> Path:
    """The kept manifest as dbt's `--state` wants it: manifest.json in the folder. Raises NothingPublished."""
    found = _read(settings)
    if found is None:
        raise NothingPublished(
            "no publication has left its models yet, so there is nothing to compare yours with. "
            "Next: `shopsphere materialize daily_update` once with production's checkout, or name the models to build"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(found), "utf-8")
    return folder


def _read(settings: Settings) -> dict[str, Any] | None:
    with database.snapshot(settings) as connection:
        if not inspect(connection).has_table(projects.name):
            return None
        packed = connection.scalar(select(projects.c.manifest).where(projects.c.name == PROJECT))
    found: dict[str, Any] | None = json.loads(gzip.decompress(packed)) if packed else None
    return found


def _renewed(earlier: dict[str, Any] | None, manifest: Manifest, built: Collection[str]) -> dict[str, Any]:
    """Macros stay as they were: whether a model not built here still has them from before cannot be told apart, and
    building one too many is the harmless error.
    """
    base = earlier or dict(manifest)
    parts = {part: dict((earlier or {}).get(part) or {}) for part in OWN_ROWS}
    for part, nodes in parts.items():
        nodes |= {key: node for key, node in (manifest.get(part) or {}).items() if key in built}
    return {**base, **parts}
