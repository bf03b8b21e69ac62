"""Where the company's two databases live: the authority on which server holds `shop` and `catalog`, and on how the
pipeline reads them.

Embedded, both are in the company's own PostgreSQL. On the stack `shop` is in MariaDB and `catalog` in the stack's
PostgreSQL; on a machine without MariaDB `shop` stays in the company's own. The company writes as the owner; what it
tells the pipeline is the address of a role that may only read. Each profile has a company of its own, so that a clock
never speaks for databases that another profile filled.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg

from ecommerce_pipeline.operations.stack import mariadb as server
from ecommerce_pipeline.settings import Settings
from shopsphere import load, mariadb, postgres, services
from shopsphere.state import CompanyError, secret


class Database(Protocol):
    """A database of the company on some server."""

    @property
    def kind(self) -> str:
        """The server's name, for people and for the clock."""
        ...

    @property
    def reader_url(self) -> str:
        """Address by which the pipeline reads; holds the password, so it never goes to a log."""
        ...

    def prepare(self) -> None:
        """Makes what `loading` stands on; without effect if it is there."""
        ...

    def loading(self, *, fresh: bool) -> AbstractContextManager[load.Loader]:
        """One transaction; `fresh` makes the tables anew. CompanyError if the server does not answer."""
        ...


@dataclass(frozen=True)
class Databases:
    """The company's two databases."""

    shop: Database
    catalog: Own | InStack

    @property
    def need_own_server(self) -> bool:
        """Whether one of them is in the company's own PostgreSQL."""
        return isinstance(self.shop, Own) or isinstance(self.catalog, Own)


def embedded(home: Path) -> Databases:
    """Both in the company's own PostgreSQL below `home`."""
    return Databases(Own(home, "shop"), Own(home, "catalog"))


def of(settings: Settings) -> Databases:
    """Where they live in the settings' profile; on the stack, its servers must be running."""
    if settings.profile != "stack":
        return embedded(home(settings))
    has_mariadb = server.is_ready(settings)
    return Databases(InMariaDB(settings) if has_mariadb else Own(home(settings), "shop"), InStack(settings, "catalog"))


def home(settings: Settings) -> Path:
    """The folder of the profile's own company."""
    return settings.stack_dir if settings.profile == "stack" else settings.home


@dataclass(frozen=True)
class Own:
    """A database in the company's own PostgreSQL."""

    home: Path
    name: str
    kind: str = "postgresql"

    @property
    def reader_url(self) -> str:
        """See `Database`; the port may move at a start."""
        port = services.port(self.home, "postgres")
        return postgres.url(port, self.name, postgres.READER, secret(self.home, postgres.READER))

    def prepare(self) -> None:
        """See `Database`."""
        postgres.ensure_databases(self.home, services.port(self.home, "postgres"))

    def loading(self, *, fresh: bool) -> AbstractContextManager[load.PostgresLoader]:
        """See `Database`."""
        return load.loading(self._connect, self.name, fresh=fresh)

    def _connect(self, **options: bool) -> load.Connection:
        return postgres.connect(self.home, services.port(self.home, "postgres"), self.name, **options)


@dataclass(frozen=True)
class InStack:
    """A database in the stack's PostgreSQL, which has made it, its owner and the reader."""

    settings: Settings
    name: str
    kind: str = "the stack's postgresql"

    @property
    def reader_url(self) -> str:
        """See `Database`."""
        password = self.settings.postgres_meltano_password.get_secret_value()
        return postgres.url(self.settings.postgres_port, self.name, postgres.READER, password)

    def prepare(self) -> None:
        """Lets the reader in."""
        with self._connect() as db:
            postgres.let_in(db, self.name)

    def loading(self, *, fresh: bool) -> AbstractContextManager[load.PostgresLoader]:
        """See `Database`."""
        return load.loading(self._connect, self.name, fresh=fresh)

    def _connect(self, **options: bool) -> load.Connection:
        address = self.settings.postgres_address(self.name).replace("+psycopg", "")
        try:
            return psycopg.connect(address, connect_timeout=5, autocommit=options.get("autocommit", False))
        except psycopg.OperationalError as error:
            raise CompanyError(
                f"the stack's PostgreSQL does not let {self.name} in ({str(error).strip()}). "
                "Next: `shopsphere stack status`, then `shopsphere stack logs postgresql`"
            ) from error


@dataclass(frozen=True)
class InMariaDB:
    """The orders database in the stack's MariaDB, which has made it, its owner and the reader."""

    settings: Settings
    kind: str = "mariadb"

    @property
    def reader_url(self) -> str:
        """See `Database`."""
        return self.settings.mariadb_address("meltano")

    def prepare(self) -> None:
        """Nothing: the server makes database and users at its start."""

    def loading(self, *, fresh: bool) -> AbstractContextManager[mariadb.MariaLoader]:
        """See `Database`."""
        return mariadb.loading(self.settings.mariadb_address("shop"), "shop", fresh=fresh)
