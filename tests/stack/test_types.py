"""Every value of docs/guides/types.md, loaded from PostgreSQL and MariaDB, is what Trino reads: type by type.

PyIceberg and DuckDB read the same cases in meltano/plugins/tap-sql/tests, which also say what is rejected. Here a table
has a column a case.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tap_sql.engines import engine_for
from tap_sql.extract import Extraction
from tap_sql.settings import parse_settings as tap_settings
from tap_sql.testing import throwaway_postgres
from tap_sql.testing_mariadb import throwaway_mariadb
from target_iceberg.loader import Loader
from target_iceberg.settings import parse_settings as target_settings

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.catalog import catalog_properties

sys.path.insert(0, str(Path(__file__).parents[2] / "meltano/plugins/tap-sql/tests"))
from mariadb_cases import MARIADB
from postgres_cases import POSTGRES
from type_cases import Case, float32, same

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", params=["postgres", "mariadb"])
def crossed(request, stack, tmp_path_factory) -> Iterator[tuple[Sequence[Case], list[list[Any]]]]:
    """A server's cases, and the table's rows as Trino reads them, by id."""
    cases, source = (POSTGRES, from_postgres) if request.param == "postgres" else (MARIADB, from_mariadb)
    lines: list[bytes] = []
    stage = tmp_path_factory.mktemp("stage")
    for url, schema in source():
        given = tap_settings({"url": url, "schemas": [schema], "stage_dir": str(stage), "batches_ahead": 100})
        metadata = [{"breadcrumb": [], "metadata": {"selected": True}}]
        with engine_for(given).connect() as session:
            Extraction(given, session, {}, lambda message: lines.append(msgspec.json.encode(message) + b"\n")).run(
                {"streams": [{"tap_stream_id": f"{schema}-{request.param}", "metadata": metadata}]}
            )
    target = {"catalog_properties": catalog_properties(stack), "default_target_schema": "raw_types"}
    with Loader(target_settings(target), lambda _: None) as loader:
        loader.load(lines)
    with reader.connect(stack) as connection:
        columns = ", ".join(f"v{number:03}" for number in range(len(cases)))
        yield cases, connection.execute(f"select {columns} from raw_types.{request.param} order by id").fetchall()


def test_trino_reads_the_values_that_were_written(crossed):
    cases, rows = crossed
    wrong = [
        f"{case.sql}: {literal} is {rows[place][number]!r}"
        for number, case in enumerate(cases)
        for place, (literal, expected) in enumerate(case.values.items())
        if not same(as_declared(case, rows[place][number]), expected)
    ]
    assert wrong == []


def as_declared(case: Case, found: Any) -> Any:
    """Trino's client gives a REAL its shortest digits, as a number of twice the width."""
    return float32(found) if case.becomes == "float" and isinstance(found, float) else found


def table(name: str, cases: Sequence[Case]) -> list[str]:
    """Makes a table of a column a case, and rows of each case's values one below the other."""
    columns = ", ".join(f"v{number:03} {case.sql}" for number, case in enumerate(cases))
    statements = [*(case.setup for case in cases if case.setup), f"create table {name} (id int primary key, {columns})"]
    for place in range(max(len(case.values) for case in cases)):
        values = [[*case.values, *["default"] * 100][place] for case in cases]
        statements.append(f"insert into {name} values ({place + 1}, {', '.join(values)})")
    return statements


def from_postgres() -> Iterator[tuple[str, str]]:
    with throwaway_postgres() as server:
        with server.connect("shop") as connection:
            for statement in table("postgres", POSTGRES):
                connection.execute(statement.encode())
        yield server.reader_url, "shop"


def from_mariadb() -> Iterator[tuple[str, str]]:
    with throwaway_mariadb() as server:
        server.execute(*table("mariadb", MARIADB))
        yield server.reader_url, "shop"
