"""The commit: rows, bookmark and commit number in one Iceberg transaction, as a compare-and-set.

The catalog swaps a table's metadata pointer only if it still is the one this transaction was built on. That alone
would let a second run append what a first one has just appended, so the record is compared as well: the commit is
built on freshly loaded metadata whose record must be the one the run started from. If somebody else (a compaction)
swapped the pointer without touching the record, it is built again; if the record moved, the run is refused. A blind
retry, PyIceberg's default, is switched off on these tables.

If the answer to a commit is lost, the record says whether it landed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import BookmarkMovedError, CommitInDoubtError, LoadError
from .evolution import evolve
from .key_change import key_record
from .layout import lay_out
from .mode_change import mode_record
from .record import CommitRecord, canonical, read_record

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table, Transaction
    from pyiceberg.table.metadata import TableMetadata

    from .table_plan import TablePlan
    from .upsert import Upsert

logger = logging.getLogger("target-iceberg")
ATTEMPTS = 5
ROWS = "target-iceberg.rows"  # in the snapshot's summary: the run's own rows, where an upsert adds others again
# Earlier metadata files are left to whoever sweeps the warehouse: a branch of the catalog may still stand on one. A
# commit a day makes a manifest a day; from 30 on they are merged, so that planning a scan stays short over the years.
TABLE_PROPERTIES = {
    "format-version": "2",
    "commit.retry.num-retries": "0",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "30",
    "write.metadata.previous-versions-max": "100",
    "write.parquet.compression-codec": "zstd",
}


@dataclass(frozen=True)
class Change:
    """What one commit does to one table."""

    plan: TablePlan
    end: CommitRecord
    files: list[DataFile]
    replace: bool
    keys: Sequence[str]
    upsert: Upsert | None = None

    @property
    def place(self) -> str:
        """The table's address."""
        return self.plan.place


def apply(catalog: Catalog, change: Change) -> Table:
    """Commit the change and return the table.

    Raises BookmarkMovedError if another run got there first, CommitInDoubtError if nobody can tell whether it landed.
    """
    from pyiceberg.exceptions import CommitFailedException

    for attempt in range(ATTEMPTS + 1):
        table = catalog.load_table(change.place)
        record = read_record(table, change.place)
        if record == change.end:
            return table  # an attempt that was reported as failed had landed
        refuse_if_moved(change.place, change.plan.start, record)
        if attempt == ATTEMPTS:
            break
        try:
            return _commit_on(table, change)
        except CommitFailedException as error:
            logger.info("%s: the table changed while committing (%s), comparing again", change.place, error)
        except CommitInDoubtError:
            if _landed(catalog, change):
                return table
            raise
    raise LoadError(
        f"{change.place}: {ATTEMPTS} commits in a row were overtaken. Nothing was committed. Next: run again"
    )


def send(transaction: Transaction, place: str) -> Table:
    """Commit the transaction; raises CommitInDoubtError for all that does not say that the commit was refused."""
    from pyiceberg.exceptions import CommitFailedException, ValidationException

    try:
        return transaction.commit_transaction()
    except (CommitFailedException, ValidationException):
        raise
    except Exception as error:
        raise CommitInDoubtError(
            f"{place}: the catalog's answer to the commit was lost ({type(error).__name__}: "
            f"{str(error).partition(chr(10))[0]}), so it may have landed. Its files were kept. Next: run again, it "
            "starts from where the table stands; files that no table holds are swept as orphans"
        ) from error


def _landed(catalog: Catalog, change: Change) -> bool:
    """Whether the table holds the commit; False if the catalog cannot be asked either."""
    try:
        return read_record(catalog.load_table(change.place), change.place) == change.end
    except Exception as error:
        logger.info("%s: whether the commit landed cannot be asked: %s", change.place, error)
        return False


def refuse_if_moved(place: str, expected: CommitRecord | None, found: CommitRecord | None) -> None:
    """Raise BookmarkMovedError unless the table's record is still the one the run started from."""
    if expected != found:
        raise BookmarkMovedError(_moved(place, _bookmark(expected), _bookmark(found), found))


def refuse_if_claim_differs(place: str, claimed: str, found: CommitRecord | None) -> None:
    """Raise BookmarkMovedError unless the bookmark the tap started from is the table's; `claimed` is canonical JSON."""
    if claimed != _bookmark(found):
        raise BookmarkMovedError(_moved(place, claimed, _bookmark(found), found))


def _bookmark(record: CommitRecord | None) -> str:
    return "null" if record is None else canonical(record.bookmark_value)


def _moved(place: str, expected: str, found: str, record: CommitRecord | None) -> str:
    by = "" if record is None else f" (commit {record.commit_seq} of run {record.run_id})"
    return (
        f"{place}: this run started from the bookmark {expected}, the table stands at {found}{by}. Another run "
        "committed in between, or "
        "the state given to the tap is not the table's. Nothing was committed. Next: run again, it will start "
        "from the table's bookmark; "
        "to read everything again on purpose: TARGET_ICEBERG_FULL_REFRESH=true meltano run --full-refresh …"
    )


def _commit_on(table: Table, change: Change) -> Table:
    properties = change.end.properties()
    transaction = table.transaction()
    evolve(transaction, change.plan.changes)
    lay_out(transaction, change.plan.layout, change.place)
    _refuse_other_columns(transaction.table_metadata, change)
    gone, stay = _replaced(table, change)
    rows = {ROWS: str(sum(file.record_count for file in change.files))}
    update = transaction.update_snapshot(snapshot_properties={**properties, **rows})
    with update.overwrite() if change.replace or gone else update.merge_append() as snapshot:
        for file in gone:
            snapshot.delete_data_file(file)
        for file in (*stay, *change.files):
            snapshot.append_data_file(file)
    transaction.set_properties({**properties, **key_record(change.keys), **mode_record(change.plan.layout.mode)})
    return send(transaction, change.place)


def _refuse_other_columns(now: TableMetadata, change: Change) -> None:
    same = (
        now.schema().as_struct() == change.plan.metadata.schema().as_struct()
        and now.spec() == change.plan.metadata.spec()
    )
    if not same:
        raise LoadError(
            f"{change.place}: the table's schema or partitions changed while this run wrote its files. Nothing was "
            "committed. Next: run again"
        )


def _replaced(table: Table, change: Change) -> tuple[list[DataFile], list[DataFile]]:
    """The files that the commit takes out of the table, and those that hold their other rows."""
    if change.replace:
        return [task.file for task in table.scan().plan_files()], []
    return change.upsert.onto(table) if change.upsert else ([], [])
