"""A real PostgreSQL for the session, a fresh schema for each test, and the tap run on it in this process.

MariaDB as well, where the machine has it. Modules of this folder are imported by their bare names.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pyarrow as pa
import pytest
from tap_sql.catalog import to_catalog
from tap_sql.engines import engine_for
from tap_sql.extract import Extraction
from tap_sql.settings import parse_settings
from tap_sql.testing import ThrowawayPostgres, throwaway_postgres
from tap_sql.testing_mariadb import MISSING, ThrowawayMariaDB, installed, throwaway_mariadb

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def server() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as running:
        yield running


@pytest.fixture(scope="session")
def mariadb() -> Iterator[ThrowawayMariaDB]:
    if not installed():
        pytest.skip(MISSING)
    with throwaway_mariadb() as running:
        yield running


class Sent:
    """The messages of one run; batches are read back at once, unless a target is to have them."""

    def __init__(self, *, keep_files: bool = False) -> None:
        self._keep_files = keep_files
        self.messages: list[dict[str, Any]] = []
        self.tables: dict[str, list[pa.Table]] = {}

    def emit(self, message: Any) -> None:
        plain = msgspec.json.decode(msgspec.json.encode(message))
        self.messages.append(plain)
        for address in plain.get("manifest", []):
            path = Path(address.removeprefix("file://"))
            self.tables.setdefault(plain["stream"], []).append(pa.ipc.open_file(path).read_all())
            if not self._keep_files:
                path.unlink()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def rows(self, stream: str) -> list[dict[str, Any]]:
        return [row for table in self.tables.get(stream, []) for row in table.to_pylist()]

    def ids(self, stream: str, key: str = "id") -> list[Any]:
        return sorted(row[key] for row in self.rows(stream))

    @property
    def state(self) -> dict[str, Any]:
        return self.of("STATE")[-1]["value"]

    @property
    def rejects(self) -> list[dict[str, Any]]:
        return [message["record"] for message in self.of("RECORD") if message["stream"] == "quality-rejects"]


class Source:
    """One schema of the server."""

    def __init__(self, server: ThrowawayPostgres, schema: str, stage: Path) -> None:
        self.server, self.schema, self.stage = server, schema, stage
        self.execute(f"create schema {schema}; grant usage on schema {schema} to reader")
        self.execute(f"alter default privileges in schema {schema} grant select on tables to reader")

    @property
    def config(self) -> dict[str, Any]:
        return {"url": self.server.reader_url, "schemas": [self.schema], "stage_dir": str(self.stage)}

    def execute(self, sql: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.encode())
            connection.commit()

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.server.owner_url, options=f"-c search_path={self.schema}")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(sql.encode()).fetchall()

    def catalog(self, **settings: Any) -> dict[str, Any]:
        with engine_for(parse_settings(self.config | settings)).connect() as session:
            return to_catalog(session.tables())

    def selected(self, key: str | None = "updated_at") -> dict[str, Any]:
        """The discovered catalog with everything selected; incremental on `key`, or full-table."""
        catalog = self.catalog()
        method = {"replication-method": "INCREMENTAL", "replication-key": key} if key else {}
        for entry in catalog["streams"]:
            entry["metadata"][0]["metadata"] |= {"selected": True, **method}
        return catalog

    def run(self, state: Any = None, key: str | None = "updated_at", catalog: Any = None, **settings: Any) -> Sent:
        sent, given = Sent(), parse_settings(self.config | settings)
        with engine_for(given).connect() as session:
            Extraction(given, session, state or {}, sent.emit).run(catalog or self.selected(key))
        return sent

    def command(self, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        path = self.stage.parent / "config.json"
        path.write_text(json.dumps(self.config | settings))
        program = [sys.executable, "-c", "from tap_sql.cli import main; main()", "--config", str(path), *arguments]
        return subprocess.run(program, capture_output=True, text=True, check=False)


@pytest.fixture
def source(server: ThrowawayPostgres, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Source]:
    schema = f"s{abs(hash(request.node.nodeid)) % 10**9}"
    yield Source(server, schema, tmp_path / "stage")
    server.execute(f"drop schema {schema} cascade")
