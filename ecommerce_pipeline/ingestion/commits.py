"""What a run committed, read from the raw tables themselves: the authority on counts, not the log.

The target writes its run id into every snapshot it commits. A run that is tried again keeps its id, so what the first
try committed counts as well. Only metadata is read, and of quality.rejects only two columns of this run's rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dagster import AssetKey
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import EqualTo
from pyiceberg.table import Table

from ecommerce_pipeline.lakehouse import contents
from ecommerce_pipeline.streams import Stream

REJECTS = ("quality", "rejects")
_ROWS = "target-iceberg.rows"  # an upsert adds rows of other keys again, which are not the run's
_RUN_ID, _BOOKMARK, _COMMIT_SEQ = "singer.run-id", "singer.bookmark", "singer.commit-seq"


@dataclass(frozen=True)
class Committed:
    """One raw table after a run: what the run added, and what the table holds now. Bytes are of the data files."""

    rows_added: int
    rows: int
    bytes: int
    snapshot_id: int | None
    commit_seq: int
    bookmark: str
    rejects: int
    columns: Mapping[str, str]

    @property
    def is_new(self) -> bool:
        """Whether the run committed anything to the table."""
        return self.rows_added > 0 or self.rejects > 0


def of_run(catalog: Catalog, streams: Iterable[Stream], run_id: str) -> dict[AssetKey, Committed]:
    """By raw table, what the run committed; a stream whose table was never made holds nothing."""
    streams = list(streams)
    rejected = _rejects(catalog, run_id)
    return {
        stream.raw_key: _committed(catalog, stream, run_id, rejected[stream.system, stream.table]) for stream in streams
    }


def _committed(catalog: Catalog, stream: Stream, run_id: str, rejects: int) -> Committed:
    try:
        table = catalog.load_table((stream.namespace, stream.table))
    except NoSuchTableError:
        return Committed(0, 0, 0, None, 0, "", rejects, {})
    held = contents.of_metadata(table.metadata, table.io)
    return Committed(
        rows_added=_added(table, run_id),
        rows=held.rows,
        bytes=held.bytes,
        snapshot_id=held.snapshot_id,
        commit_seq=int(table.properties.get(_COMMIT_SEQ, 0)),
        bookmark=table.properties.get(_BOOKMARK, ""),
        rejects=rejects,
        columns={column.name: str(column.field_type) for column in table.schema().fields},
    )


def _added(table: Table, run_id: str) -> int:
    summaries = [snapshot.summary for snapshot in table.metadata.snapshots if snapshot.summary]
    found = [summary.additional_properties for summary in summaries]
    ours = (summary for summary in found if summary.get(_RUN_ID) == run_id)
    return sum(int(summary.get(_ROWS, summary.get("added-records", 0))) for summary in ours)


def _rejects(catalog: Catalog, run_id: str) -> Counter[tuple[str, str]]:
    """Rejects of the run by system and table."""
    try:
        table = catalog.load_table(REJECTS)
    except NoSuchTableError:
        return Counter()
    columns = ("source_system", "source_table")
    rows = table.scan(row_filter=EqualTo(term="run_id", value=run_id), selected_fields=columns).to_arrow()
    return Counter(zip(rows["source_system"].to_pylist(), rows["source_table"].to_pylist(), strict=True))
