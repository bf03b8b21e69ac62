"""A large table's first reading in parts, so that one that is cut off goes on where the last commit left it.

The parts are ranges of pages (`ctid`), which PostgreSQL reads from 14 on without an index and without sorting. A
bookmark in between says: the rows before this page, as that snapshot saw them. The next run takes of those pages what
that snapshot did not see, and the rest as it is now. A row that moved has been updated, and comes as the new version it
is; a table whose file was rewritten (vacuum full, cluster, alter type) is read from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model import AFTER, Table
from ..snapshot import Snapshot

EVERYTHING = "true"
ROWS_OF_A_PAGE = 60  # where the server has not counted yet
_EXTENT = """
select (pg_relation_size(c.oid) / current_setting('block_size')::int8)::int8 as pages,
  nullif(c.reltuples, -1)::int8 as rows, coalesce(pg_relation_filenode(c.oid), 0)::int8 as file,
  c.relkind = 'r' and current_setting('server_version_num')::int >= 140000 as divisible
from pg_class c where c.oid = {oid}
"""


@dataclass(frozen=True)
class PageRange:
    """Pages from `start` up to, not including, `end`; to the last if that is None."""

    start: int
    end: int | None

    @property
    def sql(self) -> str:
        """Condition for the rows that stand there."""
        low = f"ctid >= '({self.start},0)'"
        return low if self.end is None else f"{low} and ctid < '({self.end},0)'"


@dataclass(frozen=True)
class Begun:
    """What a cut-off first reading has: the pages before `page` as `snapshot` saw them, and the ids seen beyond it."""

    page: int
    snapshot: Snapshot
    seen: list[int]


@dataclass(frozen=True)
class Extent:
    """A table's size; `rows` by the server's statistics, None if it has none."""

    pages: int
    rows: int | None
    file: int
    divisible: bool

    def ranges(self, part_rows: int, first: int) -> list[PageRange]:
        """The pages from `first` on in parts of about so many rows; the last one is open."""
        density = self.rows / self.pages if self.rows and self.pages else ROWS_OF_A_PAGE
        step = max(1, round(part_rows / density)) if self.divisible else max(1, self.pages)
        starts = list(range(first, max(self.pages, first + 1), step))
        return [PageRange(start, end) for start, end in zip(starts, [*starts[1:], None], strict=True)]

    def bookmark(self, page: int) -> dict[str, Any]:
        """What a bookmark says of a reading that has come to this page."""
        return {AFTER: {"page": page, "file": self.file}}

    def begun(self, bookmark: Mapping[str, Any]) -> Begun | None:
        """The reading that the bookmark says has begun; None if it says so of none, or of another file."""
        after = bookmark.get(AFTER)
        if not isinstance(after, Mapping) or after.get("file") != self.file or not self.divisible:
            return None
        seen = [int(xid) for xid in bookmark.get("seen") or []]
        return Begun(int(after["page"]), Snapshot.parse(str(bookmark["snapshot"])), seen)


def read_extent(rows: Callable[[str], list[dict[str, Any]]], table: Table) -> Extent:
    """The table's extent."""
    (found,) = rows(_EXTENT.format(oid=table.identity))
    return Extent(found["pages"], found["rows"], found["file"], found["divisible"])
