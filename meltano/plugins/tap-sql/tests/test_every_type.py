"""Every type of a source × its extremes stands in the lake as the declared type with the very value, as PyIceberg and
DuckDB read it; what cannot be held is a reject with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from lake import Lake
from mariadb_cases import MARIADB
from postgres_cases import POSTGRES
from tap_sql.engines import engine_for
from tap_sql.extract import Extraction
from tap_sql.settings import parse_settings
from type_cases import Case, same

from conftest import Sent


@dataclass
class Crossed:
    """All cases of a server after one run of tap and target; table t007 holds the seventh."""

    lake: Lake
    sent: Sent
    cases: Sequence[Case]

    def table(self, case: Case) -> str:
        return f"t{self.cases.index(case):03}"

    def expected(self, case: Case) -> dict[int, Any]:
        return dict(enumerate(case.values.values(), start=1))


def statements(cases: Sequence[Case]) -> list[str]:
    """Makes and fills a table a case."""
    made: list[str] = []
    for number, case in enumerate(cases):
        made += [case.setup] if case.setup else []
        made.append(f"create table t{number:03} (id int primary key, v {case.sql})")
        made += [f"insert into t{number:03} values ({i}, {v})" for i, v in enumerate(case.literals, start=1)]
    return made


def cross(cases: Sequence[Case], url: str, schema: str, folder: Any) -> Crossed:
    """One run of the tap over everything, loaded."""
    sent, lake = Sent(keep_files=True), Lake(folder / "lake")
    config = {"url": url, "schemas": [schema], "stage_dir": str(folder / "stage"), "batches_ahead": 10_000}
    settings = parse_settings(config)
    with engine_for(settings).connect() as session:
        names = {f"t{number:03}" for number in range(len(cases))}
        streams = [table.stream for table in session.tables() if table.name in names]
        metadata = [{"breadcrumb": [], "metadata": {"selected": True}}]
        catalog = {"streams": [{"tap_stream_id": stream, "metadata": metadata} for stream in streams]}
        Extraction(settings, session, {}, sent.emit).run(catalog)
    lake.load(sent.messages)
    return Crossed(lake, sent, cases)


@pytest.fixture(scope="module")
def postgres(server, tmp_path_factory):
    server.execute("create schema types; grant usage on schema types to reader")
    server.execute("alter default privileges in schema types grant select on tables to reader")
    server.execute("alter role reader set intervalstyle = 'sql_standard'; alter role reader set datestyle = 'German'")
    with server.connect("types") as connection:
        for statement in statements(POSTGRES):
            connection.execute(statement)
    yield cross(POSTGRES, server.reader_url, "types", tmp_path_factory.mktemp("postgres"))
    server.execute("drop schema types cascade; alter role reader reset all")


@pytest.fixture(scope="module")
def maria(mariadb, tmp_path_factory):
    mariadb.execute("create database types", "use types", *statements(MARIADB))
    yield cross(MARIADB, mariadb.reader_url, "types", tmp_path_factory.mktemp("mariadb"))
    mariadb.execute("drop database types")


ALL = [("postgres", case) for case in POSTGRES] + [("maria", case) for case in MARIADB]


@pytest.fixture(params=ALL, ids=lambda pair: f"{pair[0]}-{pair[1].sql}")
def crossed(request):
    engine, case = request.param
    return request.getfixturevalue(engine), case


def test_the_column_has_the_declared_type(crossed):
    found, case = crossed
    shown = found.lake.types(found.table(case))["v"].replace(" ", "")
    assert shown == case.becomes


def test_values_are_the_same_read_by_pyiceberg(crossed):
    found, case = crossed
    compare(case, found.lake.rows(found.table(case)), found.expected(case))


def test_values_are_the_same_read_by_duckdb(crossed):
    found, case = crossed
    compare(case, found.lake.duckdb_rows(found.table(case)), found.expected(case))


def test_what_cannot_be_held_is_rejected_with_its_reason_and_text(crossed):
    found, case = crossed
    rejects = {
        json.loads(row["raw_record"])["id"]: row["reason"]
        for row in found.lake.rejects()
        if row["source_table"] == found.table(case)
    }
    reasons = dict(enumerate(case.rejected.values(), start=len(case.values) + 1))
    assert rejects.keys() == reasons.keys()
    for number, reason in reasons.items():
        assert "column v" in rejects[number]
        assert reason in rejects[number]


def compare(case: Case, rows: list[dict[str, Any]], expected: dict[int, Any]) -> None:
    found = {row["id"]: row["v"] for row in rows}
    assert found.keys() == expected.keys()
    wrong = [
        f"{literal} became {found[number]!r}"
        for number, literal in enumerate(case.values, start=1)
        if not same(found[number], expected[number])
    ]
    assert not wrong
