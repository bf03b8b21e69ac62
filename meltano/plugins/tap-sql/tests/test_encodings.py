"""Texts are the same whatever encoding the database keeps them in; bytes that are none are never passed on."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pyarrow as pa
import pytest
from logged import Logged, told
from tap_sql.exact import exact
from tap_sql.model import Column
from tap_sql.testing import ThrowawayPostgres


@dataclass(frozen=True)
class Database(ThrowawayPostgres):
    """Another database of the server."""

    name: str = ""

    @property
    def owner_url(self) -> str:
        return super().owner_url.replace("/shop", f"/{self.name}")

    @property
    def reader_url(self) -> str:
        return super().reader_url.replace("/shop", f"/{self.name}")


@pytest.fixture
def encoded(server, source):
    """Makes a source in a database with the encoding."""
    made = []

    def make(encoding):
        name = f"{source.schema}_{encoding.lower()}"
        server.execute(f"create database {name} encoding '{encoding}' template template0 locale 'C'")
        made.append(name)
        database = Database(server.port, server.password, server.data, name)
        found = type(source)(database, source.schema, source.stage)
        found.execute("create table t (id int primary key, v text)")
        return found

    yield make
    for name in made:
        server.execute(f"drop database {name} with (force)")


def test_a_database_in_latin1_gives_the_same_text_to_a_query_and_to_its_log(encoded):
    logged = Logged.of(encoded("LATIN1"))
    logged.execute("insert into t values (1, U&'caf\\00e9')")
    try:
        first = logged.run()
        logged.execute("insert into t values (2, U&'Z\\00fcrich')")
        assert told(first) + told(logged.run(first.state)) == [("snapshot", 1, "café"), ("insert", 2, "Zürich")]
    finally:
        logged.clear()


def test_bytes_that_are_no_text_are_rejected_one_by_one(encoded):
    source = encoded("SQL_ASCII")
    with psycopg.connect(source.server.owner_url, client_encoding="sqlascii") as connection:
        for number, text in enumerate((b"caf\xc3\xa9", b"caf\xe9", b"plain")):
            connection.execute(f"insert into {source.schema}.t values ({number}, ".encode() + b"'" + text + b"')")
    sent = source.run(key="id")
    assert [(row["id"], row["v"]) for row in sent.rows(f"{source.schema}-t")] == [(0, "café"), (2, "plain")]
    (reject,) = sent.rejects
    assert "column v (text): bytes that are no text" in reject["reason"]
    assert reject["raw_record"] == r'{"id":1,"v":"caf\\xe9"}'


def test_bytes_that_are_no_text_are_found_whoever_hands_them_over():
    column = Column("v", "text", {}, "v", pa.string())
    given = pa.Array.from_buffers(pa.string(), 2, pa.array([b"ok", b"caf\xe9"]).buffers())
    rows, misfits = exact(pa.table({"v": given}), (column,))
    assert rows.to_pylist() == [{"v": "ok"}]
    assert [misfit.values for misfit in misfits] == [{"v": r"caf\xe9"}]
