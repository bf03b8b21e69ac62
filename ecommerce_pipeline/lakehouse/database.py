"""The catalog's database: the authority on how it is opened, made and locked, for SQLite and PostgreSQL alike.

The lake keeps its own few tables beside Iceberg's (`iceberg_tables`, `iceberg_namespace_properties`), so that a branch,
a publication or a lease is one SQL transaction together with the pointers it guards. On SQLite a writing transaction
begins IMMEDIATE: a deferred one can fail half-way when it upgrades its lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyiceberg.catalog.sql import SqlCatalogBaseTable
from sqlalchemy import BigInteger, Column, Connection, Engine, Integer, MetaData, String, Table, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from ecommerce_pipeline.lakehouse.errors import CatalogUnreadable
from ecommerce_pipeline.settings import Settings

BUSY_SECONDS = 30  # how long a SQLite writer waits for another before it gives up
_FIRST_MAKER = 7_215_114  # PostgreSQL advisory lock: two processes must not create the tables at once
_NEXT_ON_SQLITE = (
    "`shopsphere doctor` checks the address and the permissions; if the file itself is damaged, move it away and "
    "`shopsphere restore` a backup, or `shopsphere reset` and load again"
)
_NEXT_ON_A_SERVER = (
    "`shopsphere stack status` shows whether it runs and `make up` starts it; if it stands elsewhere, "
    "`shopsphere doctor` checks the address"
)

own = MetaData()
# Times are milliseconds since 1970 in UTC: both databases compare them alike.
branches = Table(
    "branches",
    own,
    Column("name", String(255), primary_key=True),
    Column("base", String(255), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
branch_bases = Table(
    "branch_bases",
    own,
    Column("branch", String(255), primary_key=True),
    Column("table_namespace", String(255), primary_key=True),
    Column("table_name", String(255), primary_key=True),
    Column("metadata_location", String(1000), nullable=False),
)
leases = Table(
    "leases",
    own,
    Column("resource", String(255), primary_key=True),
    Column("token", String(36), nullable=False),
    Column("holder", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", String(64), nullable=False),
    Column("acquired_at", BigInteger, nullable=False),
    Column("heartbeat_at", BigInteger, nullable=False),
)
# Pointers that were current once: a reader may still have them pinned, so the sweep spares what they reach for a while.
retired_pointers = Table(
    "retired_pointers",
    own,
    Column("metadata_location", String(1000), primary_key=True),
    Column("retired_at", BigInteger, nullable=False),
)
# What another catalog that shows production points at: metadata files of its own beside the tables'.
mirrored_pointers = Table("mirrored_pointers", own, Column("metadata_location", String(1000), primary_key=True))
lake_facts = Table(
    "lake_facts", own, Column("name", String(64), primary_key=True), Column("value", String(1000), nullable=False)
)

_engines: dict[str, Engine] = {}
_engines_lock = threading.Lock()


def connection_url(settings: Settings) -> str:
    """SQLAlchemy address with the waiting time SQLite needs; holds the password, so never log it."""
    url = make_url(settings.catalog_uri)
    if url.get_backend_name() == "sqlite":
        url = url.update_query_dict({"timeout": str(BUSY_SECONDS)})
    return url.render_as_string(hide_password=False)


def engine(settings: Settings) -> Engine:
    """The process's engine on the catalog's database, tables made; raises CatalogUnreadable."""
    address = connection_url(settings)
    with _engines_lock:
        if address not in _engines:
            _engines[address] = _open(address)
        return _engines[address]


def forget(settings: Settings) -> None:
    """Close the engine, for whoever is about to delete the database file."""
    with _engines_lock:
        if gone := _engines.pop(connection_url(settings), None):
            gone.dispose()


@contextmanager
def transaction(settings: Settings) -> Iterator[Connection]:
    """One writing transaction: commits on leaving, rolls back on any error."""
    with engine(settings).connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def snapshot(settings: Settings) -> Iterator[Connection]:
    """One reading transaction: all its queries see the same moment."""
    opened = engine(settings)
    # SQLite's WAL gives a reader one moment by itself.
    level = {"isolation_level": "REPEATABLE READ"} if opened.dialect.name == "postgresql" else {}
    with opened.connect().execution_options(**level) as connection, connection.begin():
        yield connection


def _open(address: str) -> Engine:
    url = make_url(address)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    made = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    if url.get_backend_name() == "sqlite":
        event.listen(made, "connect", _leave_transactions_to_us)
        event.listen(made, "begin", _begin)
    try:
        _create_tables(made)
    except (DBAPIError, sqlite3.Error, OSError) as error:
        made.dispose()
        cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
        place = url.render_as_string(hide_password=True)
        following = _NEXT_ON_SQLITE if url.get_backend_name() == "sqlite" else _NEXT_ON_A_SERVER
        raise CatalogUnreadable(
            f"the catalog's database {place} cannot be opened: {cause}. Next: {following}"
        ) from error
    return made


def _create_tables(made: Engine) -> None:
    with made.connect().execution_options(writes=True) as connection:
        if connection.dialect.name == "sqlite":
            _write_ahead(connection)
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"select pg_advisory_xact_lock({_FIRST_MAKER})")
            SqlCatalogBaseTable.metadata.create_all(connection)
            own.create_all(connection)


def _write_ahead(connection: Connection) -> None:
    """Readers and one writer do not wait for each other; the mode stays in the file, so it is set once."""
    driver: Any = connection.connection.driver_connection
    if driver.execute("pragma journal_mode").fetchone()[0] != "wal":
        driver.execute("pragma journal_mode = wal")


def _leave_transactions_to_us(driver_connection: Any, _record: object) -> None:
    driver_connection.isolation_level = None


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("begin immediate" if connection.get_execution_options().get("writes") else "begin")
