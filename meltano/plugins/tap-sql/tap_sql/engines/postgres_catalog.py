"""PostgreSQL's own catalog → tables, in one query: columns in order, types through domains, primary keys.

And whether what was read of them can be trusted: see `refuse_rewritten`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from ..errors import TapError
from ..model import Column, Table
from .postgres_types import column

_COLUMNS = """
select n.nspname::text as schema_name, c.relname::text as table_name, c.relkind::text as kind, c.oid::int8 as identity,
  a.attname::text as column_name, b.typname::text as type_name, t.oid::int8 as type_id,
  b.typcategory::text = 'A' as is_array,
  (case when t.typtype = 'd' then t.typtypmod else a.atttypmod end)::int4 as modifier,
  format_type(a.atttypid, a.atttypmod) as shown, not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)) as nullable,
  case when array_position(i.indkey::int2[], a.attnum) < i.indnkeyatts  -- behind them stand included columns
    then array_position(i.indkey::int2[], a.attnum) + 1 else 0 end::int4 as key_position
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
left join pg_index i on i.indrelid = c.oid and i.indisprimary
where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
  and has_schema_privilege(n.oid, 'USAGE') and has_any_column_privilege(c.oid, 'SELECT')
  and has_column_privilege(c.oid, a.attnum, 'SELECT')
  and {schemas}
order by 1, 2, a.attnum
"""
# pg_class shows the file that the snapshot knows, the function the one that was read; views' tables are locked as well
_REWRITTEN = """
select c.oid::regclass::text as place from pg_locks l join pg_class c on c.oid = l.relation
where l.pid = pg_backend_pid() and l.locktype = 'relation' and c.relkind = 'r' and c.relfilenode <> 0
  and c.relfilenode <> pg_relation_filenode(c.oid) order by 1
"""

Row = dict[str, Any]


def read_tables(rows: Callable[[str], list[Row]], schemas: Sequence[str]) -> list[Table]:
    """All tables of `schemas` (of every schema but the system's if empty) that the role may read."""
    found = rows(_COLUMNS.format(schemas=_schema_condition(schemas)))
    return [_table(list(group)) for _, group in groupby(found, key=lambda row: (row["schema_name"], row["table_name"]))]


def refuse_rewritten(rows: Callable[[str], list[Row]]) -> None:
    """Raise TapError if a table that was read got another file between the session's snapshot and its first reading.

    To an older snapshot such a table looks empty: TRUNCATE and ALTER TABLE leave it no row versions. Once it is read
    it is locked against both to the end of the session.
    """
    if found := ", ".join(row["place"] for row in rows(_REWRITTEN)):
        raise TapError(
            f"tap-sql: {found}: truncated, altered or otherwise rewritten while it was read, so that it looks empty to "
            "this run. Nothing of the stream was kept. Next: run again; if that happens at every run, load the table "
            "at another hour, or empty it by delete instead of truncate"
        )


def _schema_condition(schemas: Sequence[str]) -> str:
    if not schemas:
        return "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    return f"n.nspname in ({', '.join(_literal(name) for name in schemas)})"


def _table(rows: list[Row]) -> Table:
    first = rows[0]
    keyed = sorted((row for row in rows if row["key_position"]), key=lambda row: row["key_position"])
    return Table(
        schema=first["schema_name"],
        name=first["table_name"],
        columns=tuple(_columns(rows)),
        keys=tuple(row["column_name"] for row in keyed),
        is_view=first["kind"] in {"v", "m", "f"},  # none keeps row versions
        identity=first["identity"],
        is_divided=first["kind"] == "p",
    )


def _columns(rows: Iterable[Row]) -> Iterable[Column]:
    for row in rows:
        made = column(
            row["column_name"],
            row["type_name"],
            row["modifier"],
            shown=row["shown"],
            is_array=row["is_array"],
            nullable=row["nullable"],
        )
        yield replace(made, type_id=row["type_id"])


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
