"""What Superset reads in the embedded profile: a read-only DuckDB file of views, one a table, made anew after each
publication.

Each view scans the metadata file its table stood at when the pointers were read, all in one moment, so every chart
of a page belongs to one publication. A new file is written beside the old one and a link moved over to it in one step;
whoever has the old one open reads it to the end. Of tables with personal columns a copy without them is kept instead
of a view, so that the server needs, and is given, no way to the files that hold them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from ecommerce_pipeline.dashboards.contract import Table
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.places import Places
from ecommerce_pipeline.lakehouse import database, pointers
from ecommerce_pipeline.lakehouse.catalog import LAKE
from ecommerce_pipeline.settings import Settings

EXTENSIONS = ("avro", "httpfs", "iceberg")
CONFIG = {"allow_unsigned_extensions": "true"}  # the lock file has pinned the wheels' hashes
KEPT_SECONDS = 3600.0  # longer than any query on an old file
ABOUT = "create table main.about (fingerprint varchar, made_at timestamp, folders varchar[])"


def refresh(settings: Settings, tables: Iterable[Table]) -> bool:
    """Brings the file up to the lake; whether it had to. Raises DashboardsError for a lake that is not in a folder.

    Costs a millisecond when nothing was published since; safe to be called by several processes at once.
    """
    places = Places.of(settings)
    located = {table: location for table, location in _locations(settings, tables).items() if location}
    fingerprint = _fingerprint(located)
    if fingerprint == current_fingerprint(places):
        return False
    made = places.home / f"lake-{time.time_ns()}.duckdb"
    places.home.mkdir(parents=True, exist_ok=True)
    try:
        _write(made, located, fingerprint)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    link = made.with_suffix(".link")
    link.symlink_to(made.name)
    os.replace(link, places.lake)
    _forget_old(places)
    return True


def is_kept(settings: Settings) -> bool:
    """Whether anybody has asked for the file yet: before the first start there is none to keep up to date."""
    return Places.of(settings).lake.exists()


def current_fingerprint(places: Places) -> str | None:
    """What the file in use was made from; None without a file, or with one that another release wrote."""
    try:
        return json.loads(places.lake.resolve(strict=True).with_suffix(".json").read_text("utf-8"))["fingerprint"]  # type: ignore[no-any-return]
    except (OSError, ValueError, KeyError):
        return None


def _locations(settings: Settings, tables: Iterable[Table]) -> Mapping[Table, str | None]:
    """Where each table stands, read in one moment; None for one that was never built."""
    with database.snapshot(settings) as connection:
        found = pointers.read_all(connection, LAKE)
    at = {str(name): pointer.location for name, pointer in found.items()}
    return {table: at.get(table.address) for table in tables}


def _fingerprint(located: Mapping[Table, str | None]) -> str:
    facts = sorted((t.address, at or "", *(c.name for c in t.open_columns)) for t, at in located.items())
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _write(path: Path, located: Mapping[Table, str | None], fingerprint: str) -> None:
    with duckdb.connect(str(path), config=CONFIG) as connection:
        for name in EXTENSIONS:
            connection.execute(f"load '{_extension(name)}'")
        connection.execute("set TimeZone = 'UTC'")
        for table, location in located.items():
            connection.execute(f'create schema if not exists "{table.schema}"')
            connection.execute(_statement(table, str(location)))
        folders = [_folder(str(at)) for table, at in located.items() if not table.has_closed_columns]
        connection.execute(ABOUT)
        connection.execute("insert into main.about values (?, now()::timestamp, ?)", [fingerprint, folders])
    path.with_suffix(".json").write_text(json.dumps({"fingerprint": fingerprint}), "utf-8")


def _statement(table: Table, location: str) -> str:
    kind = "table" if table.has_closed_columns else "view"
    columns = ", ".join(f'"{column.name}"' for column in table.open_columns)
    quoted = location.replace("'", "''")
    select = f"select {columns} from iceberg_scan('{quoted}')"  # noqa: S608 (names of the contract)
    return f'create {kind} "{table.schema}"."{table.name}" as {select}'


def _folder(location: str) -> str:
    """The table's folder, from its metadata file's address."""
    if not location.startswith("file://"):
        raise DashboardsError(
            f"{location}: the dashboards read a lake in a folder, so far. "
            "Next: connect a Superset of your own to the engine of this lake"
        )
    return f"{Path(location.removeprefix('file://')).parent.parent}/"


def _forget_old(places: Places) -> None:
    used, limit = places.lake.resolve().stem, time.time() - KEPT_SECONDS
    for old in places.home.glob("lake-*.*"):
        if old.stem != used and old.stat().st_mtime < limit:
            old.unlink(missing_ok=True)


def _extension(name: str) -> Path:
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (package.submodule_search_locations or []) if package else []:
        for file in Path(folder).rglob("*.duckdb_extension"):
            return file
    raise DashboardsError(f"DuckDB's extension {name!r} is not installed. Next: `make setup`")
