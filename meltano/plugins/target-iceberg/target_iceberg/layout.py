"""How a table is laid out: partitions, sort order and properties, as its stream's settings want them.

A layout changes with the next commit and holds for the rows from there on: files that are there stay where they are,
which Iceberg reads alike. What the settings do not name stays as somebody else has set it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .errors import LoadError
from .stream_settings import StreamSettings

if TYPE_CHECKING:
    from pyiceberg.table import Transaction

# what the loader's promises hang on
_OURS = ("singer.", "target-iceberg.", "format-version", "commit.retry.")
_TERM = re.compile(
    r"\s*(?:(?P<transform>[a-z]+)\s*\(\s*(?P<column>[^,()]+?)\s*(?:,\s*(?P<number>\d+)\s*)?\)|(?P<plain>[^,()]+?))\s*"
)
_TIMES, _SIZED = ("year", "month", "day", "hour"), ("bucket", "truncate")
_NEXT = "Next: correct the stream's entry in the target's setting streams"


class Term(NamedTuple):
    """A partition's column and its transform in Iceberg's notation."""

    column: str
    transform: str


def lay_out(transaction: Transaction, wanted: StreamSettings, place: str) -> None:
    """Change what the settings want otherwise; raises LoadError for what the table's columns do not allow."""
    if wanted.partition_by is not None:
        _partition(transaction, [partition_term(text, place) for text in wanted.partition_by], place)
    if wanted.sort_by is not None:
        _sort(transaction, list(_sort_terms(wanted.sort_by, place)), place)
    properties = table_properties(wanted, place)
    held = transaction.table_metadata.properties
    if changed := {key: value for key, value in properties.items() if held.get(key) != value}:
        transaction.set_properties(changed)


def partition_term(text: str, place: str) -> Term:
    """`month(ordered_at)`, `bucket(user_id, 16)`, `truncate(name, 2)` or a column; raises LoadError for all else."""
    match = _TERM.fullmatch(text)
    if match and match["plain"]:
        return Term(match["plain"], "identity")
    if match and match["transform"] in _TIMES and match["number"] is None:
        return Term(match["column"], match["transform"])
    if match and match["transform"] in _SIZED and int(match["number"] or 0):
        return Term(match["column"], f"{match['transform']}[{match['number']}]")
    raise LoadError(
        f"{place}: partition_by {text!r} is none of column, year(column), month(column), day(column), hour(column), "
        f"bucket(column, n), truncate(column, n). Nothing was written. {_NEXT}"
    )


def table_properties(wanted: StreamSettings, place: str) -> dict[str, str]:
    """The properties as texts; raises LoadError for those that are the loader's own."""
    if taken := [key for key in wanted.properties if key.startswith(_OURS)]:
        raise LoadError(f"{place}: the property {taken[0]} is the loader's own. Nothing was written. {_NEXT}")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in wanted.properties.items()
    }


def _partition(transaction: Transaction, wanted: list[Term], place: str) -> None:
    metadata = transaction.table_metadata
    held = {
        Term(metadata.schema().find_column_name(field.source_id) or "", str(field.transform)): field.name
        for field in metadata.spec().fields
    }
    columns = [term.column for term in wanted]
    if twice := next((column for column in columns if columns.count(column) > 1), None):
        raise LoadError(f"{place}: partition_by names {twice} twice. Nothing was written. {_NEXT}")
    if set(held) == set(wanted):
        return
    try:
        with transaction.update_spec() as update:
            for term in held.keys() - set(wanted):
                update.remove_field(held[term])
            for term in wanted:
                if term not in held:
                    update.add_field(term.column, term.transform)
    except ValueError as error:
        raise LoadError(f"{place}: partition_by: {error}. Nothing was written. {_NEXT}") from error


def _sort_terms(wanted: tuple[str, ...], place: str) -> Iterator[tuple[str, bool]]:
    for text in wanted:
        column, _, direction = text.strip().partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise LoadError(
                f"{place}: sort_by {text!r} is neither a column nor a column with desc. Nothing was written. {_NEXT}"
            )
        yield column, direction.strip().lower() == "desc"


def _sort(transaction: Transaction, wanted: list[tuple[str, bool]], place: str) -> None:
    from pyiceberg.table.sorting import SortDirection
    from pyiceberg.transforms import IdentityTransform

    metadata = transaction.table_metadata
    held = [
        (metadata.schema().find_column_name(field.source_id), field.direction == SortDirection.DESC)
        for field in metadata.sort_order_by_id(metadata.default_sort_order_id).fields  # type: ignore[union-attr]
    ]
    if held == wanted:
        return
    try:
        with transaction.update_sort_order() as update:
            for column, descending in wanted:
                (update.desc if descending else update.asc)(column, IdentityTransform())
    except ValueError as error:
        raise LoadError(f"{place}: sort_by: {error}. Nothing was written. {_NEXT}") from error
