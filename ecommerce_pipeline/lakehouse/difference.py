"""What a branch changes, by rows: the authority on comparing its tables with those it started from.

The other side is the table as it stood when the branch was made, not as it stands now, so that what production has
loaded since does not count as the branch's doing. Rows are compared as a multiset: no key is needed, and one row too
many shows. Both sides are read by PyIceberg, straight from their metadata, so that both profiles answer alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import duckdb
from pyiceberg.table import StaticTable

from ecommerce_pipeline.lakehouse import branch as branches
from ecommerce_pipeline.lakehouse import contents, database
from ecommerce_pipeline.lakehouse.branch import Change
from ecommerce_pipeline.lakehouse.catalog import catalog_properties
from ecommerce_pipeline.lakehouse.pointers import Name, Pointer
from ecommerce_pipeline.settings import Settings

SAMPLE = 5
BASE, BRANCH = "base", "branch"


class Written(NamedTuple):
    """A table that a branch wrote: rows where it started and now, None where it is not there."""

    name: Name
    rows_before: int | None
    rows_after: int | None


class Difference(NamedTuple):
    """One table: rows on either side (None: the table is not there), rows that only one side has, columns that came,
    went or changed their type, of the others those whose values differ with how many do, and a few such rows.
    """

    name: Name
    rows_before: int | None
    rows_after: int | None
    only_before: int
    only_after: int
    columns: tuple[str, ...]
    values: dict[str, int]
    sample_before: tuple[dict[str, Any], ...]
    sample_after: tuple[dict[str, Any], ...]

    @property
    def is_none(self) -> bool:
        """Built anew, and the same rows in the same columns."""
        same = self.rows_before is not None and self.rows_after is not None
        return same and not (self.only_before or self.only_after or self.columns)


def written(settings: Settings, branch: str) -> Iterator[Written]:
    """Every table that the branch wrote, by name, from the metadata alone; raises BranchError if there is none."""
    properties = catalog_properties(settings)
    for change in _changes(settings, branch):
        before = contents.of_pointer(properties, Pointer(change.base, None)).rows if change.base else None
        after = contents.of_pointer(properties, change.pointer).rows if change.pointer else None
        yield Written(change.name, before, after)


def differences(settings: Settings, branch: str) -> Iterator[Difference]:
    """Every table that the branch wrote, by name, one after the other; raises BranchError if there is no such branch.

    A table that was built to the same rows is among them, with `is_none`.
    """
    properties = catalog_properties(settings)
    for change in _changes(settings, branch):
        yield _difference(properties, change)


def _changes(settings: Settings, branch: str) -> list[Change]:
    with database.snapshot(settings) as connection:
        branches.require(connection, branch)
        found = branches.changes(connection, branch)
    return [change for change in found if change.pointer is None or change.pointer.kind != contents.VIEW]


def _difference(properties: dict[str, str], change: Change) -> Difference:
    with duckdb.connect(":memory:") as session:
        session.execute("set TimeZone = 'UTC'")
        before = _read(session, properties, BASE, change.base)
        after = _read(session, properties, BRANCH, change.pointer.location if change.pointer else None)
        counts = [
            _count(session, f'from "{side}"') if there else None for side, there in ((BASE, before), (BRANCH, after))
        ]
        common = [name for name in before if name in after and before[name] == after[name]]
        gone, come = _only(BASE, BRANCH, common), _only(BRANCH, BASE, common)
        both = bool(before and after)
        only_before = _count(session, gone) if both and common else counts[0] or 0
        only_after = _count(session, come) if both and common else counts[1] or 0
        return Difference(
            change.name,
            counts[0],
            counts[1],
            only_before,
            only_after,
            _reshaped(before, after) if both else (),
            _values(session, common) if both and (only_before or only_after) else {},
            _sample(session, gone) if both and only_before and common else (),
            _sample(session, come) if both and only_after and common else (),
        )


def _read(
    session: duckdb.DuckDBPyConnection, properties: dict[str, str], side: str, location: str | None
) -> dict[str, str]:
    """A table's rows as a table of the session; its columns with their types, none if it is not there."""
    if location is None:
        return {}
    table = StaticTable.from_metadata(location, properties)
    batches = table.scan().to_arrow_batch_reader()
    session.register("arrived", batches)
    session.execute(f'create table "{side}" as select * from arrived')  # noqa: S608 (one of two names)
    session.unregister("arrived")
    return {field.name: str(field.type).replace("large_", "") for field in batches.schema}


def _only(here: str, there: str, columns: Sequence[str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    return f'from (select {names} from "{here}" except all select {names} from "{there}")'  # noqa: S608 (names of columns)


def _values(session: duckdb.DuckDBPyConnection, columns: Sequence[str]) -> dict[str, int]:
    """How many values of each column are on one side only, the larger side of the two; columns without are left out."""
    found = {
        name: max(_count(session, _only(BASE, BRANCH, [name])), _count(session, _only(BRANCH, BASE, [name])))
        for name in columns
    }
    return {name: count for name, count in found.items() if count}


def _reshaped(before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    said = [f"{name} {after[name]} is new" for name in after if name not in before]
    said += [f"{name} {before[name]} is gone" for name in before if name not in after]
    changed = [name for name in before if name in after and before[name] != after[name]]
    return (*said, *(f"{name} was {before[name]} and is {after[name]}" for name in changed))


def _count(session: duckdb.DuckDBPyConnection, rows: str) -> int:
    [(count,)] = session.execute(f"select count(*) {rows}").fetchall()
    return int(count)


def _sample(session: duckdb.DuckDBPyConnection, rows: str) -> tuple[dict[str, Any], ...]:
    found = session.execute(f"select * {rows} order by all limit {SAMPLE}")
    names = [column[0] for column in found.description]
    return tuple(dict(zip(names, row, strict=True)) for row in found.fetchall())
