"""What a run reads of a table of PostgreSQL, and what its bookmark says: rows by snapshot, large tables in parts.

An incremental bookmark is the highest replication key and the snapshot of the run that read it. The next run takes
what that snapshot did not see (see `snapshot`), within `overlap_seconds` behind the key so that the key's index
bounds the work. The bookmark also names where it was taken (system, timeline, database, table): elsewhere transaction
ids mean nothing, and everything is read again. Of a table with partitions it names them: the rows of one that is
attached later are as old as they are, and none of them has been read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..model import AFTER, Bookmark, Column, Overlap, Reading, Selection, Table
from ..overlap import behind, everything_again
from ..settings import Settings
from ..snapshot import MAX_SEEN, Snapshot, full_id, newer_sql, unseen_sql
from .postgres_partitions import PARTITIONS, apart, came, leaves, whole_sql
from .postgres_parts import EVERYTHING, Begun, Extent, PageRange, read_extent
from .postgres_types import TEMPORAL, quote

logger = logging.getLogger("tap-sql")


class Planner:
    """Plans the readings of one session."""

    def __init__(
        self, settings: Settings, rows: Callable[[str], list[dict[str, Any]]], snapshot: str, cluster: str
    ) -> None:
        """`rows` asks the session; `snapshot` is what it sees, `cluster` where it is."""
        self._settings, self._rows, self._cluster = settings, rows, cluster
        self._snapshot_text, self._snapshot = snapshot, Snapshot.parse(snapshot)

    def plan(self, selection: Selection, bookmark: Bookmark | None) -> Reading:
        """What is new since the bookmark; everything, in parts if that is much, if there is none that holds."""
        condition, why, seen = self._condition(selection, bookmark)
        if condition != EVERYTHING or selection.table.is_view:
            again = self._overlap(selection, bookmark)
            return self._reading(selection, condition, why, seen, overlap=again, bookmark=bookmark)
        extent = read_extent(self._rows, selection.table)
        begun = self._begun(selection, bookmark, extent)
        overlap = everything_again(selection, bookmark) if begun is None else None
        ranges = extent.ranges(self._settings.part_rows, begun.page if begun else 0)
        if selection.replication_key is None or overlap is not None or (begun is None and len(ranges) == 1):
            # rows without a key are counted against the lake's, all of them at once
            return self._reading(selection, EVERYTHING, why, seen, overlap=overlap, expected=extent.rows)
        return self._parts(selection, extent, begun, ranges)

    def _parts(self, selection: Selection, extent: Extent, begun: Begun | None, ranges: list[PageRange]) -> Reading:
        """A first reading in parts, each of which says in its bookmark up to which page the table has been read."""
        readings, seen = [], begun.seen if begun else []
        if begun is not None:  # what has been read already, as it is now
            condition = f"{PageRange(0, begun.page).sql} and {unseen_sql(begun.snapshot, self._snapshot, seen)}"
            readings.append(self._reading(selection, condition, "", seen, more=extent.bookmark(begun.page)))
        for part in ranges:
            more = {} if part.end is None else extent.bookmark(part.end)
            seen = readings[-1].extras.get("seen", []) if readings else []
            readings.append(self._reading(selection, part.sql, "", seen, more=more))
        first, *then = readings
        done = begun.page / extent.pages if begun and extent.pages else 0.0
        expected = None if extent.rows is None else round(extent.rows * (1 - done))
        why = f"everything in {len(ranges)} parts" if begun is None else f"on from page {begun.page:,}: it was cut off"
        return replace(first, why=why, expected=expected, then=tuple(then))

    def _reading(
        self,
        selection: Selection,
        condition: str,
        why: str,
        seen: list[int],
        *,
        overlap: Overlap | None = None,
        expected: int | None = None,
        more: Mapping[str, Any] | None = None,
        bookmark: Bookmark | None = None,
    ) -> Reading:
        source = f"{quote(selection.table.schema)}.{quote(selection.table.name)}"
        columns = ", ".join(f"{column.expression} as {quote(column.name)}" for column in selection.columns)
        extras: dict[str, Any] = {}
        new: dict[int, str] = {}
        if selection.replication_key and not selection.table.is_view:
            extras = {"snapshot": self._snapshot_text, "cluster": self._origin(selection.table), **(more or {})}
            extras |= self._seen(source, condition, seen)
        if extras and selection.table.is_divided:
            found = leaves(self._rows, selection.table)
            new = came(found, bookmark) if bookmark and condition != EVERYTHING else {}
            why = f"{why}, and {len(new)} new partitions" if new else why
            extras[PARTITIONS] = sorted(found)
        # names are quoted; values are rendered from numbers and points in time, never taken over as text
        sql = f"select {columns} from {source} where {apart(condition, new)}{whole_sql(columns, new)}"  # noqa: S608
        return Reading(sql, why, extras, overlap, expected)

    def _begun(self, selection: Selection, bookmark: Bookmark | None, extent: Extent) -> Begun | None:
        """A first reading that was cut off and can go on: the table and its rows' places are still the same."""
        if not bookmark or bookmark.get("replication_key") != selection.replication_key:
            return None
        if bookmark.get("cluster") != self._origin(selection.table):
            return None
        begun = extent.begun(bookmark)
        return begun if begun is not None and begun.snapshot.holds(self._snapshot) else None

    def _condition(self, selection: Selection, bookmark: Bookmark | None) -> tuple[str, str, list[int]]:
        """What to read, why, and the ids the last run saw beyond its horizon."""
        key, table = selection.key_column, selection.table
        if key is None:
            return EVERYTHING, "the whole table", []
        if not bookmark or bookmark.get("replication_key") != key.name:
            return EVERYTHING, "everything, there is no bookmark yet", []
        window = self._window(key, bookmark, is_view=table.is_view)
        if table.is_view:
            return window, "a view has no row versions: everything in the overlap again", []
        previous = Snapshot.parse(str(bookmark.get("snapshot") or "0:0:"))
        if (unusable := self._why_unusable(table, bookmark, previous)) is not None:
            return EVERYTHING, f"everything, {unusable}", []
        seen = [int(xid) for xid in bookmark.get("seen") or []]
        return f"{window} and {unseen_sql(previous, self._snapshot, seen)}", "rows new since the bookmark", seen

    def _why_unusable(self, table: Table, bookmark: Bookmark, previous: Snapshot) -> str | None:
        if bookmark.get("cluster") != self._origin(table):
            return "the bookmark was taken on another server, database or table"
        if not previous.holds(self._snapshot):
            return "the bookmark's snapshot does not hold here any more"
        if AFTER in bookmark:
            return "the table was rewritten since its first reading was cut off"
        return None

    def _window(self, key: Column, bookmark: Bookmark, *, is_view: bool) -> str:
        """Rows not older than the overlap behind the bookmark.

        Keys of tables that are no time have no overlap and are read by snapshot alone.
        """
        kind, name, value = key.schema["x-iceberg-type"], quote(key.name), bookmark.get("replication_key_value")
        if value is None or (kind not in TEMPORAL and not is_view):
            return "true"
        since = behind(key, value, self._settings)
        condition = f"{name} >= {since}" if isinstance(since, int) else f"{name} >= {kind} '{since}'"
        return f"({condition} or {name} is null)" if key.nullable else condition

    def _overlap(self, selection: Selection, bookmark: Bookmark | None) -> Overlap | None:
        """What of a view is read again."""
        key = selection.key_column
        if not selection.table.is_view or key is None or not bookmark:
            return None
        if bookmark.get("replication_key") != key.name:
            return everything_again(selection, bookmark)
        value = bookmark.get("replication_key_value")
        return Overlap(key.name, None if value is None else behind(key, value, self._settings))

    def _seen(self, source: str, condition: str, before: list[int]) -> dict[str, Any]:
        """Transactions beyond the snapshot's horizon whose rows are being read, or were: they must not come again."""
        if self._snapshot.quiet:
            return {}
        newer = newer_sql(self._snapshot.xmin, self._snapshot.xmax)
        sql = f"select distinct xmin::text::bigint as x from {source} where {condition} and {newer}"  # noqa: S608
        found = {full_id(row["x"], self._snapshot.xmax) for row in self._rows(f"{sql} limit {MAX_SEEN + 1}")}
        seen = sorted(found | {xid for xid in before if xid >= self._snapshot.xmin})
        if len(seen) > MAX_SEEN:
            logger.warning("%s: a transaction has been open for long; rows since then will come once more", source)
            return {}
        return {"seen": seen} if seen else {}

    def _origin(self, table: Table) -> str:
        return f"{self._cluster}/{table.identity}"
