"""Bookmarks as the tables' commit records have them; the records' shape is `target_iceberg.record`'s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from target_iceberg.errors import LoadError
from target_iceberg.record import canonical, read_record

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


class BookmarkError(Exception):
    """The bookmarks cannot be read; says why and what to do."""


class Bookmarks:
    """Reads the commit records of a namespace's tables."""

    def __init__(self, properties: str | None, catalog_name: str) -> None:
        self._properties, self._catalog_name = properties, catalog_name
        self._open: Catalog | None = None

    def of_namespace(self, namespace: str) -> dict[str, Any]:
        """Stream → bookmark of every table with a record; raises BookmarkError if a table's two records disagree."""
        from pyiceberg.exceptions import NoSuchNamespaceError

        try:
            tables = self._catalog().list_tables(namespace)
        except NoSuchNamespaceError:
            return {}
        records = [self._record(".".join(table)) for table in tables]
        return {record.stream: record.bookmark_value for record in records if record and record.bookmark != "null"}

    def differing(self, namespace: str, bookmarks: Mapping[str, Any]) -> list[str]:
        """The streams whose bookmark is not the one their table has."""
        found = self.of_namespace(namespace)
        return [name for name, value in bookmarks.items() if canonical(found.get(name)) != canonical(value)]

    def _record(self, place: str) -> Any:
        try:
            return read_record(self._catalog().load_table(place), place)
        except LoadError as error:
            raise BookmarkError(str(error)) from error

    def _catalog(self) -> Catalog:
        if self._open is None:
            if not self._properties:
                raise BookmarkError(
                    "state_backend.iceberg.properties is not set. Next: set it in meltano.yml to the catalog's "
                    "properties as JSON "
                    "(here: $SHOPSPHERE_LAKE_PROPERTIES, which must be in the environment or in meltano/.env)"
                )
            from target_iceberg.catalog import open_catalog
            from target_iceberg.settings import parse_settings

            try:
                settings = parse_settings({"catalog_properties": self._properties, "catalog_name": self._catalog_name})
                self._open = open_catalog(settings)
            except LoadError as error:
                raise BookmarkError(str(error)) from error
        return self._open
