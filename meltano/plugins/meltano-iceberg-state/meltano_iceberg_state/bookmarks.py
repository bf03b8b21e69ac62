"""Bookmarks as the tables' commit records have them; the records' shape is `target_iceberg.record`'s.

With a SQL catalog on local files, a record is one row and one JSON file away: it is read without PyIceberg, whose
imports would cost each run a second. Any other catalog or store is read through PyIceberg.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy
from target_iceberg.errors import LoadError
from target_iceberg.record import CommitRecord, canonical, read_record, read_record_of_metadata
from target_iceberg.settings import Settings, parse_settings

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

_TABLES = sqlalchemy.text(
    "select table_name, metadata_location from iceberg_tables"
    " where catalog_name = :catalog and table_namespace = :namespace and metadata_location is not null"
)


class BookmarkError(Exception):
    """The bookmarks cannot be read; says why and what to do."""


class Bookmarks:
    """Reads the commit records of a namespace's tables."""

    def __init__(self, properties: str | None, catalog_name: str) -> None:
        self._properties, self._catalog_name = properties, catalog_name
        self._open: Catalog | None = None

    def of_namespace(self, namespace: str) -> dict[str, Any]:
        """Stream → bookmark of every table with a record; raises BookmarkError if a table's two records disagree."""
        try:
            settings = self._settings()
            local = self._local_records(settings, namespace)
            records = list(self._records(settings, namespace) if local is None else local)
        except LoadError as error:
            raise BookmarkError(str(error)) from error
        return {record.stream: record.bookmark_value for record in records if record and record.bookmark != "null"}

    def differing(self, namespace: str, bookmarks: Mapping[str, Any]) -> list[str]:
        """The streams whose bookmark is not the one their table has."""
        found = self.of_namespace(namespace)
        return [name for name, value in bookmarks.items() if canonical(found.get(name)) != canonical(value)]

    def _settings(self) -> Settings:
        if not self._properties:
            raise BookmarkError(
                "state_backend.iceberg.properties is not set. Next: set it in meltano.yml to the catalog's "
                "properties as JSON "
                "(here: $SHOPSPHERE_LAKE_PROPERTIES, which must be in the environment or in meltano/.env)"
            )
        return parse_settings({"catalog_properties": self._properties, "catalog_name": self._catalog_name})

    def _local_records(self, settings: Settings, namespace: str) -> list[CommitRecord | None] | None:
        """Records straight from local metadata files; None if the catalog or the store is of another kind."""
        config = settings.catalog_config
        if config.get("type") != "sql":
            return None
        engine = sqlalchemy.create_engine(config["uri"])
        try:
            with engine.connect() as connection:
                given = {"catalog": self._catalog_name, "namespace": namespace}
                rows = connection.execute(_TABLES, given).all()
        except (
            sqlalchemy.exc.DatabaseError
        ):  # no tables yet, or no database: PyIceberg makes the one and tells the other
            return None
        finally:
            engine.dispose()
        if not all(location.startswith("file://") and ".gz." not in location for _, location in rows):
            return None
        return [_record_in(Path(location.removeprefix("file://")), f"{namespace}.{name}") for name, location in rows]

    def _records(self, settings: Settings, namespace: str) -> Iterator[CommitRecord | None]:
        from pyiceberg.exceptions import NoSuchNamespaceError
        from target_iceberg.catalog import open_catalog

        self._open = self._open or open_catalog(settings)
        try:
            tables = self._open.list_tables(namespace)
        except NoSuchNamespaceError:
            return
        for table in tables:
            yield read_record(self._open.load_table(table), ".".join(table))


def _record_in(path: Path, place: str) -> CommitRecord | None:
    try:
        metadata = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError) as error:
        raise BookmarkError(
            f"{place}: its metadata file {path} cannot be read ({error}). Next: if the project was moved, "
            "register its tables "
            "again; if the file was deleted, restore it"
        ) from error
    return read_record_of_metadata(metadata, place)
