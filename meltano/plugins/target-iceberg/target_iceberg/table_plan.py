"""Where a stream's table stands when the run begins, and what its schema will be when the run commits.

Nothing but the creation of an empty table happens before the commit: schema changes are planned here, files are
written in the planned schema, and the commit applies the plan and the files together.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from .catalog import open_table
from .commit import TABLE_PROPERTIES, refuse_if_claim_differs
from .data_files import DataFileWriter
from .errors import LoadError
from .evolution import evolve, missing_or_wider, plain_arrow_schema, table_columns
from .layout import lay_out
from .partitioned import PartitionedWriter
from .record import CommitRecord, canonical, read_record
from .retyping import moved_columns, renamed
from .stream_settings import StreamSettings

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.schema import Schema
    from pyiceberg.table.metadata import TableMetadata

logger = logging.getLogger("target-iceberg")


class TablePlan:
    """The table of one stream, its commit record at the start of the run, and its schema at the end."""

    def __init__(
        self,
        catalog: Catalog,
        stream: str,
        place: str,
        columns: pa.Schema,
        *,
        claimed: str | None,
        keys: Sequence[str],
        may_move: bool,
        layout: StreamSettings,
    ) -> None:
        """Open or create the table; `may_move` lets retyped columns begin a column of their own.

        Raises BookmarkMovedError if `claimed` (canonical JSON) is not where the table stands.
        """
        self.place, self.layout, self._keys, self._may_move = place, layout, keys, may_move
        self.table = open_table(catalog, place, table_columns(columns, place), TABLE_PROPERTIES)
        self.start: CommitRecord | None = read_record(self.table, place)
        if self.start is not None and self.start.stream != stream:
            raise LoadError(
                f"{place} is loaded from stream {self.start.stream}, not from {stream}. Nothing was written. "
                "Next: give one of the extractors another load_schema, or rename the stream"
            )
        if claimed is not None:
            refuse_if_claim_differs(place, claimed, self.start)
        self.changes: list[pa.Schema] = []
        self.follow(columns)

    @property
    def commit_seq(self) -> int:
        """Number of the commit this run will make: 1, 2, 3…"""
        return 1 if self.start is None else self.start.commit_seq + 1

    @property
    def bookmark(self) -> str:
        """The bookmark the table stands at, canonical JSON."""
        return "null" if self.start is None else canonical(self.start.bookmark_value)

    @property
    def version(self) -> int | None:
        """The full-table version the table holds."""
        return None if self.start is None else self.start.version

    def follow(self, columns: pa.Schema) -> None:
        """Plan the schema for these columns.

        Raises IncompatibleTypeError. Field ids come out the same when the commit applies the plan.
        """
        planned = self._planned().schema()
        existing, wanted = plain_arrow_schema(planned), table_columns(columns, self.place)
        self.moved = moved_columns(existing, wanted, self._keys, self.place, may_move=self._may_move)
        change = missing_or_wider(existing, renamed(wanted, self.moved), self.place)
        if len(change):
            logger.info("%s: columns added or widened: %s", self.place, ", ".join(f"{f.name} {f.type}" for f in change))
            self.changes.append(change)
        self.metadata = self._planned(self.layout)
        self.columns = plain_arrow_schema(self.schema)

    @property
    def schema(self) -> Schema:
        """The table's schema after the commit."""
        return self.metadata.schema()

    def placed(self, rows: pa.Table) -> pa.Table:
        """The stream's rows under the names their columns have in the table."""
        return rows.rename_columns([self.moved.get(name, name) for name in rows.schema.names]) if self.moved else rows

    def new_writer(self, file_rows: int) -> DataFileWriter | PartitionedWriter:
        """A writer of files in the planned schema and layout."""
        kind = PartitionedWriter if self.metadata.spec().fields else DataFileWriter
        return kind(self.metadata, self.table.io, file_rows)

    def _planned(self, layout: StreamSettings | None = None) -> TableMetadata:
        """The table's metadata after its changes, worked out without committing anything."""
        transaction = self.table.transaction()
        evolve(transaction, self.changes)
        if layout is not None:
            lay_out(transaction, layout, self.place)
        return transaction.table_metadata


def table_name(stream: str, namespace: str | None) -> str:
    """`shop-orders` in `raw_shop` → raw_shop.orders; without a namespace the part before the last '-', or raw.

    Characters that an address of a file or an SQL engine would stumble over become underscores.
    """
    system, _, name = stream.rpartition("-")
    return f"{namespace or _plain(system) or 'raw'}.{_plain(name)}"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
