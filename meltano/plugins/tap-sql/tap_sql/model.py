"""What an engine tells about its tables, and what it must be able to do:

the seam between the tap and PostgreSQL, MySQL or the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

Bookmark = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column: its SQL type for people, its schema for Singer, how it is selected and what Arrow type it gets on the
    way.
    """

    name: str
    sql_type: str
    schema: Mapping[str, Any]
    expression: str
    arrow: pa.DataType
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """A table or view of the source."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    is_view: bool = False
    identity: int = 0

    @property
    def stream(self) -> str:
        """The Singer stream's name."""
        return f"{self.schema}-{self.name}"


@dataclass(frozen=True)
class Selection:
    """What a run reads of a table, and how."""

    table: Table
    columns: tuple[Column, ...]
    replication_key: str | None

    @property
    def key_column(self) -> Column | None:
        """The column the stream is incremental on."""
        return next((c for c in self.table.columns if c.name == self.replication_key), None)


@dataclass(frozen=True)
class Overlap:
    """The part of a stream that is read again: `column` from `since` on, in the notation of a bookmark."""

    column: str
    since: str | int | None


@dataclass
class Reading:
    """One stream's query, and what the next run has to know besides the highest key.

    `overlap` says that rows from its `since` on may have been read before, all of them if that is None.
    """

    sql: str
    why: str
    extras: dict[str, Any] = field(default_factory=dict)
    overlap: Overlap | None = None


class Session(Protocol):
    """One consistent view of the source, for all streams of a run."""

    def tables(self) -> Sequence[Table]:
        """All tables of the configured schemas."""
        ...

    def plan(self, selection: Selection, bookmark: Bookmark | None) -> Reading:
        """The query that reads what is new since the bookmark; everything if there is none that holds."""
        ...

    def read(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The query's rows in the order they come."""
        ...

    def clamp(self, highest: Any, column: Column) -> Any:
        """The highest key that may become a bookmark: never later than the source's own clock."""
        ...


class Engine(Protocol):
    """A kind of database."""

    def connect(self) -> AbstractContextManager[Session]:
        """Open the source; raises TapError saying what to do."""
        ...
