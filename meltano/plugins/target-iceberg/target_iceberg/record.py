"""The commit record: which stream, up to which bookmark, in which commit, by which run.

It stands twice: in the table's properties, which survive compaction and expiry, and in the summary of the snapshot
that carried it, which survives (or shows) a rollback. Both are written in one commit, so they agree unless somebody
moved one of them by hand; then nothing may be guessed, and every reader of this module stops. The state backend reads
bookmarks through it as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import RecordsDisagreeError

if TYPE_CHECKING:
    from pyiceberg.table import Table

STREAM, BOOKMARK, COMMIT_SEQ = "singer.stream", "singer.bookmark", "singer.commit-seq"
RUN_ID, VERSION = "singer.run-id", "singer.version"
# Written by singer-sdk while a sync is under way; they say nothing about where it starts.
_VOLATILE = ("progress_markers", "starting_replication_value", "replication_key_signpost")


@dataclass(frozen=True)
class CommitRecord:
    """One commit of one stream.

    `bookmark` is canonical JSON ("null" if the tap keeps none), `version` that of a full table.
    """

    stream: str
    bookmark: str
    commit_seq: int
    run_id: str
    version: int | None = None

    def properties(self) -> dict[str, str]:
        """The record as table properties or snapshot summary."""
        found = {
            STREAM: self.stream,
            BOOKMARK: self.bookmark,
            COMMIT_SEQ: str(self.commit_seq),
            RUN_ID: self.run_id,
            VERSION: "" if self.version is None else str(self.version),
        }
        return found

    @property
    def bookmark_value(self) -> Any:
        """The bookmark as the tap sent it."""
        return json.loads(self.bookmark)


def canonical(bookmark: Any) -> str:
    """One text per bookmark, so that equal bookmarks compare equal."""
    if isinstance(bookmark, Mapping):
        bookmark = {key: value for key, value in bookmark.items() if key not in _VOLATILE}
    return json.dumps(bookmark, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read_record(table: Table, place: str) -> CommitRecord | None:
    """The table's record, None before its first commit; raises RecordsDisagreeError if it has two."""
    metadata = table.metadata
    return _agreed(place, metadata.properties, _summaries(table), empty=metadata.current_snapshot_id is None)


def read_record_of_metadata(metadata: Mapping[str, Any], place: str) -> CommitRecord | None:
    """The same from a metadata file's JSON, for readers that have no other need of PyIceberg."""
    current = metadata.get("current-snapshot-id")
    empty = current is None or current == -1
    return _agreed(place, metadata.get("properties") or {}, _summaries_of_metadata(metadata), empty=empty)


def _agreed(
    place: str, properties: Mapping[str, str], summaries: Iterable[Mapping[str, str]], *, empty: bool
) -> CommitRecord | None:
    """`summaries` begin at the current snapshot and go back; compactions have no record in theirs."""
    from_properties = _parse(properties)
    from_snapshot = next((record for summary in summaries if (record := _parse(summary)) is not None), None)
    if from_snapshot is None:
        if from_properties is None or not empty:
            return from_properties  # compacted and expired: only the properties are left
    elif from_properties == from_snapshot:
        return from_properties
    raise RecordsDisagreeError(_disagreement(place, from_properties, from_snapshot))


def _summaries(table: Table) -> Iterator[Mapping[str, str]]:
    snapshot = table.metadata.current_snapshot()
    while snapshot is not None:
        yield snapshot.summary.additional_properties if snapshot.summary else {}
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else table.metadata.snapshot_by_id(parent)


def _summaries_of_metadata(metadata: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
    by_id = {snapshot["snapshot-id"]: snapshot for snapshot in metadata.get("snapshots") or []}
    snapshot = by_id.get(metadata.get("current-snapshot-id"))
    while snapshot is not None:
        yield snapshot.get("summary") or {}
        snapshot = by_id.get(snapshot.get("parent-snapshot-id"))


def _parse(properties: Mapping[str, str]) -> CommitRecord | None:
    if COMMIT_SEQ not in properties:
        return None
    version = properties.get(VERSION) or None
    return CommitRecord(
        stream=properties.get(STREAM, ""),
        bookmark=properties.get(BOOKMARK, "null"),
        commit_seq=int(properties[COMMIT_SEQ]),
        run_id=properties.get(RUN_ID, ""),
        version=None if version is None else int(version),
    )


def _disagreement(place: str, from_properties: CommitRecord | None, from_snapshot: CommitRecord | None) -> str:
    def tell(record: CommitRecord | None) -> str:
        return "none" if record is None else f"commit {record.commit_seq}, bookmark {record.bookmark}"

    return (
        f"{place}: the table's properties say {tell(from_properties)}, its snapshots say {tell(from_snapshot)}. "
        "Somebody rolled the "
        "table back or edited its properties. Nothing was read or written. Next: if the rollback was meant, set "
        "the properties "
        f"{BOOKMARK}, {COMMIT_SEQ}, {RUN_ID} and {VERSION} to the snapshot's values; if not, roll the table "
        "forward again"
    )
