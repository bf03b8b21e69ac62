"""What quality.rejects holds of a stream: of earlier commits, or left behind by a try of this one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table


def rejected_earlier(
    catalog: Catalog, table: str, system: str, stream: str, commit_seq: int
) -> frozenset[tuple[Any, Any]]:
    """Position and text of the stream's rejects of commits before `commit_seq`."""
    from pyiceberg.expressions import And, LessThan

    if not catalog.table_exists(table):
        return frozenset()
    earlier = And(_of_stream(system, stream), LessThan(term="commit_seq", value=commit_seq))
    rows = catalog.load_table(table).scan(row_filter=earlier, selected_fields=("position", "raw_record")).to_arrow()
    return frozenset((row["position"], row["raw_record"]) for row in rows.to_pylist())


def same_or_later(system: str, stream: str, commit_seq: int) -> BooleanExpression:
    """The stream's rejects of this commit and of later ones: what a run that died may have left."""
    from pyiceberg.expressions import And, GreaterThanOrEqual

    return And(_of_stream(system, stream), GreaterThanOrEqual(term="commit_seq", value=commit_seq))


def paths_of(table: Table, condition: BooleanExpression) -> set[str]:
    """The table's files in which such rows may stand."""
    return {task.file.file_path for task in table.scan(row_filter=condition).plan_files()}


def among(files: Sequence[DataFile], paths: set[str]) -> bool:
    """Whether there are files and all of them are among the paths."""
    return bool(files) and {file.file_path for file in files} <= paths


def _of_stream(system: str, stream: str) -> BooleanExpression:
    from pyiceberg.expressions import And, EqualTo

    return And(EqualTo(term="source_system", value=system), EqualTo(term="source_table", value=stream))
