"""A real Iceberg lake in a folder, loaded by the real target in this process, read by PyIceberg and by DuckDB."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from pyiceberg.catalog.sql import SqlCatalog
from tap_sql.engines import engine_for
from tap_sql.extract import Extraction
from tap_sql.settings import parse_settings as parse_tap_settings
from target_iceberg.loader import Loader
from target_iceberg.settings import parse_settings

from conftest import Sent

Row = dict[str, Any]


@dataclass
class Lake:
    """One lake and the state its tables stand at."""

    folder: Path
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, str]:
        """Catalog properties."""
        place = f"{self.folder}/warehouse"
        return {"type": "sql", "uri": f"sqlite:///{self.folder}/catalog.db", "warehouse": f"file://{place}"}

    @property
    def catalog(self) -> SqlCatalog:
        """The catalog, opened anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return SqlCatalog("lake", **self.properties)

    def load(self, messages: Iterable[Mapping[str, Any]], **settings: Any) -> None:
        """Load one run; raises LoadError. What is durable afterwards is the next run's state."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = {"catalog_properties": self.properties, "default_target_schema": "raw", "rejects_limit": 1}
        with Loader(parse_settings(config | settings), self._keep) as loader:
            loader.load(msgspec.json.encode(message) + b"\n" for message in messages)

    def rows(self, table: str) -> list[Row]:
        """The table's rows as PyIceberg reads them, in the order they were loaded, without the loader's columns."""
        found = self.catalog.load_table(f"raw.{table}").scan().to_arrow().to_pylist()
        found.sort(key=lambda row: (row["_sdc_commit_seq"], row["_sdc_sequence"]))
        return [own(row) for row in found]

    def duckdb_rows(self, table: str) -> list[Row]:
        """The same as DuckDB reads them."""
        location = self.catalog.load_table(f"raw.{table}").metadata_location
        session = duckdb.connect(":memory:", config={"allow_unsigned_extensions": "true"})
        try:
            session.execute("set timezone = 'UTC'")
            for name in ("avro", "iceberg"):
                session.execute(f"load '{extension(name)}'")
            order = "_sdc_commit_seq, _sdc_sequence"
            found = session.execute(f"select * from iceberg_scan('{location}') order by {order}").to_arrow_table()
        finally:
            session.close()
        return [own(row) for row in found.to_pylist()]

    def rejects(self) -> list[Row]:
        """All rejects."""
        if not self.catalog.table_exists("quality.rejects"):
            return []
        return self.catalog.load_table("quality.rejects").scan().to_arrow().to_pylist()

    def types(self, table: str) -> dict[str, str]:
        """Iceberg type of each column."""
        schema = self.catalog.load_table(f"raw.{table}").schema()
        return {f.name: str(f.field_type) for f in schema.fields if not f.name.startswith("_sdc_")}

    def commits(self, table: str) -> int:
        """How many commits the table has."""
        return len(self.catalog.load_table(f"raw.{table}").metadata.snapshots)

    def _keep(self, state: Mapping[str, Any]) -> None:
        self.state = msgspec.json.decode(msgspec.json.encode(state))


def own(row: Row) -> Row:
    """The source's columns of a row."""
    return {name: value for name, value in row.items() if not name.startswith("_sdc_")}


def extension(name: str) -> Path:
    """DuckDB's extension in its wheel."""
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    folders = package.submodule_search_locations if package else []
    return next(file for folder in folders or [] for file in Path(folder).rglob("*.duckdb_extension"))


def sync(config: Mapping[str, Any], catalog: Mapping[str, Any], lake: Lake, **target: Any) -> None:
    """One run of the tap, from the state the lake stands at, and of the target."""
    sent, settings = Sent(keep_files=True), parse_tap_settings(config)
    with engine_for(settings).connect() as session:
        Extraction(settings, session, lake.state, sent.emit).run(catalog)
    lake.load(sent.messages, **target)
