"""What an engine tells about its tables, and what it must be able to do:

the seam between the tap and PostgreSQL, MySQL or the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

Bookmark = Mapping[str, Any]
AFTER = "after"  # in a bookmark: how far a first reading has come that is not finished


@dataclass(frozen=True)
class Column:
    """A column: its SQL type for people, its schema for Singer, how it is selected and what Arrow type it gets on the
    way.

    `from_text` is an SQL expression that makes of the type's own text, `v`, as the log has it, what `expression`
    makes of the value; None where they are the same. `type_id` is the number by which a log names the type.
    """

    name: str
    sql_type: str
    schema: Mapping[str, Any]
    expression: str
    arrow: pa.DataType
    nullable: bool = True
    from_text: str | None = None
    type_id: int = 0


@dataclass(frozen=True)
class Table:
    """A table or view of the source; `identity` is its number there, `is_divided` if partitions hold its rows."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    is_view: bool = False
    identity: int = 0
    is_divided: bool = False

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
    log_based: bool = False
    compare_keys_hours: float | None = None

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

    `overlap` says that rows from its `since` on may have been read before, all of them if that is None. `expected` is
    about how many rows come. `then` is what is read next: each part's bookmark is worth a commit.
    """

    sql: str
    why: str
    extras: dict[str, Any] = field(default_factory=dict)
    overlap: Overlap | None = None
    expected: int | None = None
    then: tuple[Reading, ...] = ()


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

    def guess(self, table: Table) -> int | None:
        """How many rows the table has, about, by the source's statistics; None if it has none."""
        ...

    def log(self) -> AbstractContextManager[ChangeLog]:
        """The source's log of changes, up to where it stood when the session began; raises TapError if none is read."""
        ...


class ChangeLog(Protocol):
    """The log of one source, as one slot keeps it. Positions are byte numbers that only grow (`lsn`)."""

    end: int
    """Where this run stops: every transaction whose commit record stands before it belongs to the run."""

    unreadable: set[str]
    """Streams of which the log did not tell all: they must be read whole."""

    def begin(self, selections: Sequence[Selection], bookmarks: Mapping[str, Any]) -> Mapping[str, int]:
        """Check that the log can be read; returns the position of each stream that goes on from its bookmark.

        The others must be read whole. Raises TapError if changes are lost or a table's changes are not in the log.
        """
        ...

    def changes(self, selections: Sequence[Selection], positions: Mapping[str, int]) -> Iterator[Changes]:
        """The changes committed between each stream's position and the end, in the order of commits, in pieces."""
        ...

    def moved(self, before: int) -> bool:
        """Whether it is worth while to move a bookmark from `before` to the end, though nothing was changed."""
        ...

    def bookmark(self, selection: Selection, position: int) -> dict[str, Any]:
        """The bookmark of a stream whose changes before `position` have all been read."""
        ...

    def whole(self) -> AbstractContextManager[tuple[Session, int]]:
        """A view of the source, and the position from which on changes are not in it."""
        ...

    def release(self) -> None:
        """Let the server forget what every bookmark the run began with has behind it."""
        ...


@dataclass(frozen=True)
class Changes:
    """Consecutive changes of one stream; `emptied` says that after them, at that time (UTC), all rows were removed."""

    selection: Selection
    rows: pa.Table | None
    emptied: Emptied | None = None


@dataclass(frozen=True)
class Emptied:
    """A table was emptied at once by a transaction: the position of its commit and its time, UTC without a zone."""

    lsn: int
    at: datetime


class Engine(Protocol):
    """A kind of database."""

    def connect(self) -> AbstractContextManager[Session]:
        """Open the source; raises TapError saying what to do."""
        ...
