"""Rows of a partitioned table go each into a file of its partition, with bounded memory and few files open at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from .data_files import DataFileWriter

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.partitioning import PartitionKey
    from pyiceberg.table.metadata import TableMetadata

PENDING_ROWS = 500_000
OPEN_FILES = 32  # a store's upload holds megabytes for each


class PartitionedWriter:
    """Like `DataFileWriter`, one for each partition."""

    def __init__(self, metadata: TableMetadata, io: FileIO, file_rows: int) -> None:
        """`metadata` is the table's as the commit will leave it."""
        self._metadata, self._io, self._file_rows = metadata, io, file_rows
        self._writers: dict[Any, DataFileWriter] = {}  # the one written to last stands last

    def write(self, rows: pa.Table, *, covered: bool) -> None:
        """Add rows; `covered` says that a STATE message vouches for them already."""
        for key, part in split(rows, self._metadata):
            partition = key.partition
            writer = self._writers.pop(partition, None) or DataFileWriter(
                self._metadata, self._io, self._file_rows, key
            )
            self._writers[partition] = writer
            writer.write(part, covered=covered)
            self._close_oldest()
        if sum(writer.pending_rows for writer in self._writers.values()) > PENDING_ROWS:
            for writer in list(self._writers.values()):
                writer.flush()
                self._close_oldest()

    def mark_covered(self) -> None:
        """A STATE message arrived: all rows so far may be committed."""
        for writer in self._writers.values():
            writer.mark_covered()

    def so_far(self, names: list[str]) -> Iterator[pa.Table]:
        """These columns of everything written so far; the open files are closed for it."""
        for writer in self._writers.values():
            yield from writer.so_far(names)

    def finish(self) -> list[DataFile]:
        """Close and return the files of covered rows; delete the others."""
        return [file for writer in self._writers.values() for file in writer.finish()]

    def committed(self) -> None:
        """The files belong to the table from now on."""
        for writer in self._writers.values():
            writer.committed()

    def abandon(self) -> None:
        """Delete everything written."""
        for writer in self._writers.values():
            writer.abandon()

    @property
    def all_covered(self) -> bool:
        """Whether a STATE message vouches for every row written."""
        return all(writer.all_covered for writer in self._writers.values())

    def _close_oldest(self) -> None:
        open_ones = [writer for writer in self._writers.values() if writer.is_open]
        for writer in open_ones[: max(0, len(open_ones) - OPEN_FILES)]:
            writer.close_file()


def split(rows: pa.Table, metadata: TableMetadata) -> Iterator[tuple[PartitionKey, pa.Table]]:
    """The rows of each partition, in the order they came."""
    from pyiceberg.partitioning import PartitionFieldValue, PartitionKey

    if not rows.num_rows:
        return
    schema, spec = metadata.schema(), metadata.spec()
    names, values = [field.name for field in spec.fields], []
    for field in spec.fields:
        kind = schema.find_field(field.source_id).field_type
        column = rows[schema.find_column_name(field.source_id)].combine_chunks()
        values.append(field.transform.pyarrow_transform(kind)(column))
    numbers = _group_numbers(values)
    order = pc.sort_indices(numbers)  # stable
    rows, keys, start = rows.take(order), pa.table(values, names=names).take(order), 0
    for end in pc.run_end_encode(numbers.take(order)).run_ends.to_pylist():
        held = [PartitionFieldValue(field, keys[field.name][start].as_py()) for field in spec.fields]
        yield PartitionKey(held, spec, schema), rows.slice(start, end - start)
        start = end


def _group_numbers(columns: list[pa.Array]) -> pa.Array:
    """A number for each row, the same for rows that are equal in all columns; NULL equals NULL."""
    numbers = pa.repeat(pa.scalar(0, pa.int64()), len(columns[0]))
    for column in columns:
        encoded = column.dictionary_encode(null_encoding="encode")
        both = pc.add(pc.multiply(numbers, len(encoded.dictionary)), encoded.indices.cast(pa.int64()))
        numbers = both.dictionary_encode().indices.cast(pa.int64())  # small again, so that no product overflows
    return numbers
