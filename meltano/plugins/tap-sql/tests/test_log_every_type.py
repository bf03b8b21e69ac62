"""Every type of PostgreSQL read from the log gives what a query gives, value and reject alike."""

from __future__ import annotations

import json

import pytest
from lake import Lake
from logged import Logged
from postgres_cases import POSTGRES
from tap_sql.engines import engine_for
from tap_sql.extract import Extraction
from tap_sql.settings import parse_settings
from type_cases import same

from conftest import Sent

NAMES = {f"t{number:03}": case for number, case in enumerate(POSTGRES) if "generated" not in case.sql}
ROLE = "alter role reader set intervalstyle = 'sql_standard'; alter role reader set datestyle = 'German'"


@pytest.fixture(scope="module")
def crossed(server, tmp_path_factory):
    """Every case's table filled after its first run, so that all its values come by the log."""
    folder = tmp_path_factory.mktemp("logged")
    server.execute(f"create schema logtypes; grant usage on schema logtypes to reader; {ROLE}")
    server.execute("alter default privileges in schema logtypes grant select on tables to reader")
    logged = Logged.__new__(Logged)
    logged.server, logged.schema, logged.stage = server, "logtypes", folder / "stage"
    with logged.connect() as connection:
        for number, case in enumerate(POSTGRES):
            connection.execute(case.setup or "select 1")
            connection.execute(f"create table t{number:03} (id int primary key, v {case.sql})")
    logged.execute("create publication logtypes for tables in schema logtypes")
    catalog = logged.selected()
    catalog["streams"] = [entry for entry in catalog["streams"] if entry["table_name"] in NAMES]
    before = logged.run(catalog=catalog, batches_ahead=10_000)
    with logged.connect() as connection:
        for number, case in enumerate(POSTGRES):
            for place, literal in enumerate(case.literals, start=1):
                connection.execute(f"insert into t{number:03} values ({place}, {literal})")
    sent, lake = Sent(keep_files=True), Lake(folder / "lake")
    settings = parse_settings(logged.config | {"batches_ahead": 10_000})
    with engine_for(settings).connect() as session:
        Extraction(settings, session, before.state, sent.emit).run(catalog)
    lake.load(sent.messages[1:])  # without the state it started from, which the empty lake does not stand at
    yield lake
    logged.clear()
    server.execute("drop schema logtypes cascade; alter role reader reset all")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: NAMES[name].sql)
def test_a_value_of_the_log_is_the_value_a_query_gives(crossed, name):
    case = NAMES[name]
    found = {row["id"]: row["v"] for row in crossed.rows(name)}
    expected = dict(enumerate(case.values.values(), start=1))
    assert found.keys() == expected.keys()
    assert [n for n, value in expected.items() if not same(found[n], value)] == []
    rejected = {json.loads(r["raw_record"])["id"] for r in crossed.rejects() if r["source_table"] == name}
    assert rejected == {str(n) for n in range(len(case.values) + 1, len(case.literals) + 1)}
