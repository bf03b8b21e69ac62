"""What a branch holds that its base does not, as `branch show` and `branch diff` print it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from ecommerce_pipeline.lakehouse.difference import Difference
    from ecommerce_pipeline.settings import Settings


def written(settings: Settings, name: str) -> None:
    """The tables that the branch wrote, by their metadata alone."""
    from ecommerce_pipeline.lakehouse import difference

    table = console.plain_table("table", "rows before", "rows now", right=("rows before", "rows now"))
    for one in difference.written(settings, name):
        table.add_row(str(one.name), _number(one.rows_before), _number(one.rows_after))
    console.print_table(table)


def differences(settings: Settings, name: str, *, rows: bool) -> None:
    """The tables whose rows or columns differ; how many were built to the same rows is said, not listed."""
    from ecommerce_pipeline.lakehouse import difference

    right = ("rows before", "rows now", "only before", "only now")
    table = console.plain_table("table", *right, "columns", right=right)
    same, samples = 0, []
    for one in difference.differences(settings, name):
        if one.is_none:
            same += 1
            continue
        numbers = (one.rows_before, one.rows_after, one.only_before, one.only_after)
        table.add_row(str(one.name), *map(_number, numbers), _columns(one))
        samples.append(one)
    if samples:
        console.print_table(table)
    for one in samples if rows else ():
        _sample(one)
    console.say(f"{len(samples)} tables differ, {same} were built to the same rows")


def _columns(one: Difference) -> str:
    return "; ".join([*one.columns, *(f"{name} ({count:,})" for name, count in one.values.items())])


def _sample(one: Difference) -> None:
    for mark, found in (("-", one.sample_before), ("+", one.sample_after)):
        if not found:
            continue
        table = console.plain_table(f"{mark} {one.name}", *found[0])
        for row in found:
            table.add_row(mark, *("null" if value is None else str(value) for value in row.values()))
        console.print_table(table)


def _number(count: int | None) -> str:
    return "" if count is None else f"{count:,}"
