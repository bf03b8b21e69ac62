"""What of a table the publication puts into the log; the authority on what a LOG_BASED stream asks of its table.

Nothing is granted or changed here: publications and replica identities belong to the tables' owner, who reads in the
error what to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ..errors import TapError
from ..model import Selection
from .postgres_types import quote

Query = Callable[[str], list[dict[str, Any]]]
_PUBLICATION = """
select pubinsert and pubupdate and pubdelete and pubtruncate as complete, pubviaroot as through_root
from pg_publication where pubname = '{name}'
"""
_TABLES = """
select c.oid::int8 as oid, c.relreplident::text as identity, c.relkind::text as kind, to_jsonb(t)::text as published,
  coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)::regclass), 0) > 0 as has_long,
  array_to_json(array(select a.attname::text from pg_attribute a
    where a.attrelid = c.oid and a.attgenerated <> ''))::text as generated
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_publication_tables t on t.schemaname = n.nspname and t.tablename = c.relname and t.pubname = '{name}'
where c.oid in ({oids})
"""


def check(query: Query, publication: str, selections: Sequence[Selection]) -> None:
    """Raise TapError, naming every table that lacks something and the statement that helps."""
    name = publication.replace("'", "''")
    found = query(_PUBLICATION.format(name=name))
    tables = ", ".join(_place(selection) for selection in selections)
    if not found:
        raise TapError(
            f"tap-sql: there is no publication {publication}. Next, as the tables' owner: "
            f"create publication {quote(publication)} for table {tables}"
        )
    if not found[0]["complete"]:
        raise TapError(
            f"tap-sql: publication {publication} leaves out some operations. Next: alter publication "
            f"{quote(publication)} set (publish = 'insert, update, delete, truncate')"
        )
    oids = ", ".join(str(selection.table.identity) for selection in selections)
    rows = {row["oid"]: row for row in query(_TABLES.format(name=name, oids=oids))}
    lacking = [
        problem
        for selection in selections
        for problem in _problems(selection, rows[selection.table.identity], publication, found[0])
    ]
    if lacking:
        raise TapError("tap-sql: LOG_BASED cannot read " + "; ".join(lacking))


def _problems(
    selection: Selection, row: Mapping[str, Any], publication: str, found: Mapping[str, Any]
) -> Iterator[str]:
    place, stream = _place(selection), selection.table.stream
    published = msgspec.json.decode(row["published"]) if row["published"] else None
    if not selection.table.keys:
        yield f"{stream}: it has no primary key. Next: give it one, or use FULL_TABLE"
    elif row["identity"] not in ("d", "f"):
        yield f"{stream}: its replica identity is not its key. Next: alter table {place} replica identity default"
    elif row["identity"] == "d" and row["has_long"]:
        yield (
            f"{stream}: it has long values, which an update that does not touch them leaves out of the log. "
            f"Next: alter table {place} replica identity full"
        )
    if published is None:
        yield f"{stream}: it is not published. Next: alter publication {quote(publication)} add table {place}"
        return
    if row["kind"] == "p" and not found["through_root"]:
        yield (
            f"{stream}: its partitions are published one by one. Next: alter publication {quote(publication)} set "
            "(publish_via_partition_root = true)"
        )
    if published.get("rowfilter"):
        yield f"{stream}: the publication filters its rows. Next: publish it without a where clause"
    lacking = [c.name for c in selection.columns if not _is_published(c.name, published, row["generated"])]
    if lacking:
        yield f"{stream}: {', '.join(lacking)} not published. Next: publish or deselect (!{stream}.{lacking[0]})"


def _is_published(column: str, published: Mapping[str, Any], generated: str) -> bool:
    names = published.get("attnames")  # from PostgreSQL 15 on; before it all but generated columns are published
    if names is not None and column not in names:
        return False
    return names is not None or column not in msgspec.json.decode(generated)


def _place(selection: Selection) -> str:
    return f"{quote(selection.table.schema)}.{quote(selection.table.name)}"
