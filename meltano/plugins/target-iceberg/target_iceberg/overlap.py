"""Rows that a tap sends once more on purpose: they are compared with the table, which alone knows what it holds.

A source without row versions (MySQL, a view) can find late commits only by looking back, so its tap reads the end of
the last run again and says in its SCHEMA from where on: `"x-overlap": {"column": …, "since": …}`. A row is loaded
unless it equals the latest version of its key in the table, column by column; without a key, unless the table holds
as many equal rows as came. The commit's compare-and-set makes sure that the table is still the one that was compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from .columns import exact_cast

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

    from .table_plan import TablePlan

_ORDER = ("_sdc_commit_seq", "_sdc_sequence")


class Overlap:
    """What a table holds of the rows that may come again; read when the first of them comes."""

    def __init__(self, plan: TablePlan, keys: Sequence[str], column: str, since: str | int | None) -> None:
        """`since` bounds `column` in the notation of its type; None compares with the whole table."""
        self._plan, self._keys = plan, [key for key in keys if key in plan.columns.names]
        self._column, self._since = column, since
        self._held: pa.Table | None = None
        self._counts: Counter[tuple[str, ...]] | None = None
        self.known = 0

    def unseen(self, rows: pa.Table) -> pa.Table:
        """The rows that the table does not hold yet; counts the others as `known`."""
        if not rows.num_rows:
            return rows
        names = [name for name in rows.schema.names if not name.startswith("_sdc_")]
        kinds = {field.name: field.type for field in self._plan.columns}
        came = pa.table([exact_cast(rows[name], kinds[name]) for name in names], names=names)
        new = self._new_by_key(came) if self._keys else self._new_by_count(came)
        self.known += rows.num_rows - int(pc.sum(new).as_py() or 0)
        return rows.filter(new)

    def _new_by_key(self, came: pa.Table) -> pa.ChunkedArray:
        self._held = _latest(self._read(), self._keys) if self._held is None else self._held
        numbered = came.select(self._keys).append_column("_row", pa.array(range(came.num_rows), pa.int64()))
        places = self._held.select(self._keys).append_column("_place", pa.array(range(self._held.num_rows), pa.int64()))
        met = numbered.join(places, self._keys, join_type="inner").sort_by("_row")
        ours, theirs = came.take(met["_row"]), self._held.take(met["_place"])
        equal = pa.chunked_array([pa.repeat(pa.scalar(True), met.num_rows)])
        for name in came.schema.names:
            equal = pc.and_(equal, _equal(ours[name], theirs[name]))
        known = met["_row"].filter(equal)
        return pc.invert(
            pc.is_in(pa.chunked_array([numbered["_row"].combine_chunks()]), value_set=known.combine_chunks())
        )

    def _new_by_count(self, came: pa.Table) -> pa.ChunkedArray:
        names = came.schema.names
        self._counts = Counter(_texts(self._read(), names)) if self._counts is None else self._counts
        new = []
        for text in _texts(came, names):
            new.append(self._counts[text] <= 0)
            self._counts[text] -= 1
        return pa.chunked_array([pa.array(new, pa.bool_())])

    def _read(self) -> pa.Table:
        """The table's rows from `since` on, and those that were loaded later with an older key."""
        from pyiceberg.expressions import AlwaysTrue, And, GreaterThan, GreaterThanOrEqual, IsNull, LessThan, Or

        known = self._plan.table.schema().column_names
        if self._column not in known:
            return self._plan.columns.empty_table()
        if self._since is None:
            return self._scan(AlwaysTrue())
        recent = self._scan(Or(GreaterThanOrEqual(term=self._column, value=self._since), IsNull(term=self._column)))
        first = pc.min(recent["_sdc_commit_seq"]).as_py()
        if first is None:
            return recent
        late = And(GreaterThan(term="_sdc_commit_seq", value=first), LessThan(term=self._column, value=self._since))
        return pa.concat_tables([recent, self._scan(late)]).sort_by([(name, "ascending") for name in _ORDER])

    def _scan(self, condition: BooleanExpression) -> pa.Table:
        """The rows in the types that the table will have when this run commits."""
        found = self._plan.table.scan(row_filter=condition).to_arrow()
        columns = self._plan.columns
        arrays = [
            exact_cast(found[field.name], field.type)
            if field.name in found.schema.names
            else pa.nulls(found.num_rows, field.type)
            for field in columns
        ]
        return pa.table(arrays, schema=columns).sort_by([(name, "ascending") for name in _ORDER])


def announced(message: Mapping[str, Any], plan: TablePlan, keys: Sequence[str]) -> Overlap | None:
    """The overlap that a SCHEMA message announces; None if it announces none or the table is empty."""
    said = message.get("x-overlap")
    if not isinstance(said, Mapping) or plan.start is None:
        return None
    column = str(said["column"])
    return Overlap(plan, keys, plan.moved.get(column, column), said.get("since"))


def _latest(rows: pa.Table, keys: list[str]) -> pa.Table:
    """The last version of each key that is not deleted; the rows come in the order they were loaded."""
    places = rows.select(keys).append_column("_place", pa.array(range(rows.num_rows), pa.int64()))
    latest = rows.take(places.group_by(keys).aggregate([("_place", "max")])["_place_max"])
    return latest.filter(pc.is_null(latest["_sdc_deleted_at"]))


def _equal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    """Where two columns of one type are equal; NULL equals NULL and NaN equals NaN."""
    if pa.types.is_nested(one.type):
        return pa.chunked_array(
            [pa.array([a == b for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True)], pa.bool_())]
        )
    equal = pc.fill_null(pc.equal(one, other), False)
    if pa.types.is_floating(one.type):
        nans = pc.and_(pc.is_nan(one), pc.is_nan(other))
        equal = pc.or_(equal, pc.fill_null(nans, False))
    return pc.or_(equal, pc.and_(pc.is_null(one), pc.is_null(other)))


def _texts(rows: pa.Table, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Each row as the texts of its values."""
    columns = [map(repr, rows[name].to_pylist()) for name in names]
    return list(zip(*columns, strict=True))
