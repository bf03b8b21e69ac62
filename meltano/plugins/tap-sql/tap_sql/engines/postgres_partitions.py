"""Partitions: which hold the rows of a table, and which came since a bookmark was taken.

A row keeps the transaction that wrote it when its table is attached to another one as a partition. So a bookmark names
the partitions it has read, and the rows of others are all new, however old they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..model import Bookmark, Table
from .postgres_types import quote

Query = Callable[[str], list[dict[str, Any]]]
PARTITIONS = "partitions"  # in a bookmark: those that were read
_LEAVES = """
select p.relid::oid::int8 as leaf, case when has_schema_privilege(c.relnamespace, 'USAGE')
  and has_table_privilege(c.oid, 'SELECT') then c.oid::regclass::text end as place
from pg_partition_tree({root}) p join pg_class c on c.oid = p.relid where p.isleaf and c.relkind <> 'p'
"""


def leaves(query: Query, table: Table) -> dict[int, str]:
    """The table's partitions and where their rows can be read: the whole table if the role may not read the one."""
    if not table.is_divided:
        return {}
    whole = f"{quote(table.schema)}.{quote(table.name)}"
    return {row["leaf"]: row["place"] or whole for row in query(_LEAVES.format(root=table.identity))}


def came(found: Mapping[int, str], bookmark: Bookmark) -> dict[int, str]:
    """Those that the bookmark does not know; none if it is from a time when bookmarks named no partitions."""
    known = bookmark.get(PARTITIONS)
    return {} if known is None else {leaf: found[leaf] for leaf in sorted(found.keys() - set(known))}


def apart(condition: str, new: Mapping[int, str]) -> str:
    """The condition for rows of all but the new partitions."""
    return f"{condition} and tableoid::int8 not in ({', '.join(map(str, new))})" if new else condition


def whole_sql(columns: str, new: Mapping[int, str]) -> str:
    """What a query must be followed by to give all rows of the new partitions too."""
    return "".join(
        f" union all select {columns} from {place} where tableoid::int8 = {leaf}"  # noqa: S608 (the server's own names)
        for leaf, place in new.items()
    )
