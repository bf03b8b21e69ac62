"""Two lakes, or one lake at two times, table by table: what is in one and not in the other."""

from __future__ import annotations

import pyarrow as pa

MARTS = ("core", "finance", "marketing", "growth", "product", "executive", "ml")


def tables(connection, schemas=MARTS):
    """Addresses of the tables of these schemas."""
    found = connection.execute(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_catalog = 'lake' order by 1"
    ).fetchall()
    return [name for (name,) in found if name.split(".")[0] in schemas]


def contents(connection, table, as_of=None) -> pa.Table:
    """A table's rows without the columns that number commits; of one as_of day, if it keeps days."""
    names = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
    columns = ", ".join(name for name in names if not name.startswith("_"))
    condition = f"where as_of = date '{as_of}'" if as_of and "as_of" in names else ""
    return connection.execute(f"select {columns} from {table} {condition}").to_arrow_table()


def difference(connection, left: pa.Table, right: pa.Table) -> list[tuple]:
    """Rows, with their number, that one side has and the other has not; the first ten."""
    session = connection.cursor()
    session.register("l", left)
    session.register("r", right)
    return session.execute(
        "(select 'only left', * from (from l except all from r)) union all "
        "(select 'only right', * from (from r except all from l)) limit 10"
    ).fetchall()
