"""What the door shows: one branch of the catalog, live or pinned to a set of pointers, writable or not.

Metadata files never change once written, so what was parsed is kept; a pinned shelf answers the same for as long as it
lives, whatever is published meanwhile.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from functools import lru_cache

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.io import load_file_io
from pyiceberg.serializers import FromInputFile
from pyiceberg.table.metadata import TableMetadata
from sqlalchemy import select

from ecommerce_pipeline.lakehouse.pointers import Name, rows


class ReadOnlyShelf(PermissionError):  # noqa: N818 - named after what happened
    """A write came to a door that only shows."""


class Shelf:
    """A branch as the door's endpoints see it."""

    def __init__(self, catalog: SqlCatalog, *, read_only: bool, pinned: Mapping[Name, str] | None) -> None:
        self.catalog = catalog
        self.read_only = read_only or pinned is not None
        self._pinned = pinned
        self._locks: dict[Name, threading.RLock] = {}
        self._lock = threading.Lock()
        self.metadata = lru_cache(maxsize=256)(self._parse)

    def writable(self) -> SqlCatalog:
        """The catalog, for a write; raises ReadOnlyShelf."""
        if self.read_only:
            raise ReadOnlyShelf(
                "this connection only reads the lake. Next: change tables through dbt, Meltano or `materialize`"
            )
        return self.catalog

    def lock(self, name: Name) -> threading.RLock:
        """Commits of this process to one table wait for each other instead of conflicting."""
        with self._lock:
            return self._locks.setdefault(name, threading.RLock())

    def namespaces(self) -> list[tuple[str, ...]]:
        """Every namespace of the branch."""
        if self._pinned is not None:
            return sorted({(name.namespace,) for name in self._pinned})
        return sorted(tuple(n) for n in self.catalog.list_namespaces())

    def tables(self, namespace: str) -> list[Name]:
        """Every table of a namespace; raises NoSuchNamespaceError."""
        if (namespace,) not in self.namespaces():
            raise NoSuchNamespaceError(f"there is no schema {namespace} in the lake")
        if self._pinned is not None:
            return sorted(name for name in self._pinned if name.namespace == namespace)
        return sorted(Name(*identifier) for identifier in self.catalog.list_tables(namespace))

    def location(self, name: Name) -> str:
        """Where the table's metadata stands now; raises NoSuchTableError."""
        found = self._pinned.get(name) if self._pinned is not None else self._read_pointer(name)
        if found is None:
            raise NoSuchTableError(f"there is no table {name} in the lake")
        return found

    def raw_metadata(self, location: str) -> bytes:
        """The metadata file as it is, JSON: parsing and writing it again would only cost time."""
        if location.endswith(".gz.metadata.json"):
            return self.metadata(location).model_dump_json().encode()
        with load_file_io(self.catalog.properties, location).new_input(location).open() as stream:
            content = stream.read()
        json.loads(content)  # a truncated file must fail here, with its name, not in DuckDB
        return content

    def _read_pointer(self, name: Name) -> str | None:
        query = select(rows.c.metadata_location).where(
            rows.c.catalog_name == self.catalog.name,
            rows.c.table_namespace == name.namespace,
            rows.c.table_name == name.table,
        )
        with self.catalog.engine.connect() as connection:
            found = connection.scalar(query)
        return str(found) if found else None

    def _parse(self, location: str) -> TableMetadata:
        file = load_file_io(self.catalog.properties, location).new_input(location)
        return FromInputFile.table_metadata(file)
