"""Property-based: any row that a server holds stands in the lake, value by value, after tap and target."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lake import Lake
from tap_sql.engines import engine_for
from tap_sql.extract import Extraction
from tap_sql.settings import parse_settings
from type_cases import same

from conftest import Sent

SETTINGS = settings(
    max_examples=4,  # each loads a lake: few of them, with many rows
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking loads a lake at each step
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "small": st.integers(-(2**15), 2**15 - 1),
    "big": st.integers(-(2**63), 2**63 - 1),
    "exact": st.builds(
        lambda digits: Decimal((int(digits < 0), _digits(digits), -10)), st.integers(1 - 10**38, 10**38 - 1)
    ),
    "day": st.dates(),
    "moment": st.datetimes(),
    "words": TEXT,
    "bytes_": st.binary(max_size=30),
}
FLOATS = {
    "postgres": st.floats(width=64),
    # the server itself stores -0.0 as 0.0
    "mariadb": st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(lambda ratio: ratio + 0.0),
}
TABLES = {
    "postgres": "small smallint, big bigint, exact numeric(38,10), day date, moment timestamp(6), words text,"
    " bytes_ bytea, ratio float8",
    "mariadb": "small smallint, big bigint, exact decimal(38,10), day date, moment datetime(6), words longtext,"
    " bytes_ longblob, ratio double",
}
NAMES = itertools.count()


def _digits(number: int) -> tuple[int, ...]:
    return tuple(map(int, str(abs(number))))


def rows(engine: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    columns = {**COMMON, "ratio": FLOATS[engine]}
    return st.lists(st.fixed_dictionaries({n: st.none() | values for n, values in columns.items()}), max_size=120)


def load(connection: Any, url: str, schema: str, name: str, given_rows: list[dict[str, Any]], folder: Any) -> list[Any]:
    """Write the rows, run tap and target, read the lake."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"create table {name} (id int primary key, {TABLES['mariadb' if 'mysql' in url else 'postgres']})"
        )
        names = [*COMMON, "ratio"]
        values = [(number, *(row[column] for column in names)) for number, row in enumerate(given_rows)]
        if values:
            places = ", ".join(["%s"] * len(values[0]))
            cursor.executemany(f"insert into {name} (id, {', '.join(names)}) values ({places})", values)
        connection.commit()
    sent, lake = Sent(keep_files=True), Lake(folder / name)
    given_settings = parse_settings({"url": url, "schemas": [schema], "stage_dir": str(folder / "stage")})
    with engine_for(given_settings).connect() as session:
        metadata = [{"breadcrumb": [], "metadata": {"selected": True}}]
        catalog = {"streams": [{"tap_stream_id": f"{schema}-{name}", "metadata": metadata}]}
        Extraction(given_settings, session, {}, sent.emit).run(catalog)
    lake.load(sent.messages)
    return sorted(lake.rows(name), key=lambda row: row["id"])


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        wrong = {name: (one[name], value) for name, value in other.items() if not same(one[name], value)}
        assert not wrong


@given(given_rows=rows("postgres"))
@SETTINGS
def test_any_row_of_postgresql(source, tmp_path, given_rows):
    name = f"r{next(NAMES)}"
    found = load(source.connect(), source.server.reader_url, source.schema, name, given_rows, tmp_path)
    assert_same(found, given_rows)


@pytest.fixture
def database(mariadb):
    mariadb.execute("create database if not exists any_row")
    yield "any_row"
    mariadb.execute("drop database any_row")


@given(given_rows=rows("mariadb"))
@SETTINGS
def test_any_row_of_mariadb(mariadb, database, tmp_path, given_rows):
    name = f"r{next(NAMES)}"
    found = load(mariadb.connect(database=database), mariadb.reader_url, database, name, given_rows, tmp_path)
    assert_same(found, given_rows)
