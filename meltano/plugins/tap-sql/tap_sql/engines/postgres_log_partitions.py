"""Partitions of a table that is read from the log, which does not tell when one comes, goes or is truncated by itself.

So a bookmark names the partitions and the files they stand in. They are looked up before the end of the log is: what
they show is in the log by then, if it is told there at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ChangesLostError
from ..model import Bookmark, Selection, Table
from .postgres_types import quote

Query = Callable[[str], list[dict[str, Any]]]
Files = Mapping[int, Mapping[str, int]]
"""Of each table its partitions' oids, as JSON has keys, and the numbers of their files."""
FILES = "files"  # in a bookmark
UNKNOWN = 0
_FILES = """
select pg_partition_root(c.oid)::oid::int8 as root, c.oid::text as leaf, c.relfilenode::int8 as file
from pg_class c where c.relispartition and c.relkind in ('r', 'f')
"""
# the youngest link between the partition and its table, and who may read what
_LINKS = """
select distinct on (c.oid) c.oid::text as leaf, c.oid::regclass::text as place, i.xmin::text::int8 as writer,
  age(i.xmin)::int8 as age, i.cmin::text::int8 as command,
  has_schema_privilege(c.relnamespace, 'USAGE') and has_table_privilege(c.oid, 'SELECT') as readable
from pg_class c, pg_inherits i where c.oid in ({leaves})
  and i.inhrelid in (select relid from pg_partition_ancestors(c.oid)) order by c.oid, age(i.xmin), command desc
"""


def read_files(query: Query) -> Files:
    """The partitions of all tables of the database, as they are now."""
    found: dict[int, dict[str, int]] = {}
    for row in query(_FILES):
        if row["root"] is not None:  # dropped at this moment
            found.setdefault(row["root"], {})[row["leaf"]] = row["file"]
    return found


class Partitions:
    """What became of the tables' partitions since the bookmarks that the run `begun` with, by stream.

    `truncated` are the tables of which the log told that they were emptied.
    """

    def __init__(self, query: Query, files: Files) -> None:
        self._query, self._files = query, files
        self.begun: Mapping[str, Bookmark] = {}
        self.truncated: set[int] = set()

    def bookmark(self, selection: Selection) -> dict[str, Any]:
        """What the next bookmark says of the table's partitions.

        Those that the log truncated may have been looked up before that: their files are unknown.
        """
        table = selection.table
        if not table.is_divided:
            return {}
        known = (self.begun.get(table.stream) or {}).get(FILES) or {}
        stale = table.identity in self.truncated
        now = self._files.get(table.identity, {})
        return {FILES: {leaf: UNKNOWN if stale and known.get(leaf) == file else file for leaf, file in now.items()}}

    def refuse_untold(self, selection: Selection) -> None:
        """Raise ChangesLostError if something happened to the table's partitions that the log does not tell."""
        known = self.begun[selection.table.stream].get(FILES)  # a bookmark from before they were named has none
        if selection.table.is_divided and known is not None and (why := self._untold(selection.table, known)):
            raise ChangesLostError(
                f"tap-sql: stream {selection.table.stream}: {why}, which is in no log. Nothing of this run is kept. "
                "Next: run once with on_lost_changes=resnapshot"
            )

    def _untold(self, table: Table, known: Mapping[str, int]) -> str | None:
        now = self._files.get(table.identity, {})
        if gone := known.keys() - now.keys():
            return f"{len(gone)} of its partitions were detached or dropped"
        came = [leaf for leaf in now if leaf not in known]
        rewritten = [leaf for leaf, file in known.items() if file not in (UNKNOWN, now[leaf])]
        rewritten += [leaf for leaf in came if now[leaf] not in (UNKNOWN, int(leaf))]  # since it was made
        if rewritten and table.identity not in self.truncated:
            names = ", ".join(link["place"] for link in self._links(rewritten))
            return f"partition {names} was truncated or rewritten"
        filled = ", ".join(link["place"] for link in self._links(came) if self._had_rows(table, link))
        return f"partition {filled} had rows when it was attached" if filled else None

    def _links(self, leaves: list[str]) -> list[dict[str, Any]]:
        return self._query(_LINKS.format(leaves=", ".join(leaves))) if leaves else []

    def _had_rows(self, table: Table, link: Mapping[str, Any]) -> bool:
        """Whether the partition has rows from before it was attached."""
        place = link["place"] if link["readable"] else f"{quote(table.schema)}.{quote(table.name)}"
        same = f"xmin::text::int8 = {link['writer']} and cmin::text::int8 < {link['command']}"
        older = f"age(xmin) > {link['age']} or {same}"
        sql = f"select 1 as x from {place} where tableoid::int8 = {link['leaf']} and ({older}) limit 1"  # noqa: S608
        return bool(self._query(sql))
