"""Data files written while rows arrive, so that memory does not grow with the run and the commit at its end is one
metadata change.

A file holds either rows that a STATE message covers or rows that none covers yet, never both: rows that no bookmark
vouches for must not be committed, and at the end of the input they are dropped by the file.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from .parquet_files import sort_keys, under_names_of, with_plain_strings, writer_options

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.partitioning import PartitionKey
    from pyiceberg.table.metadata import TableMetadata

logger = logging.getLogger("target-iceberg")
ROW_GROUP_ROWS = 128_000
IN_FLIGHT_BYTES = 32 * 2**20  # on their way to a store of objects, whose driver keeps them in memory until it has them


class DataFileWriter:
    """Writes Arrow tables of one schema and one partition into the table's data folder.

    Nothing is visible to readers until the files are committed.
    """

    def __init__(
        self, metadata: TableMetadata, io: FileIO, file_rows: int, partition: PartitionKey | None = None
    ) -> None:
        """`metadata` is the table's as the commit will leave it."""
        from pyiceberg.io.pyarrow import schema_to_pyarrow
        from pyiceberg.schema import sanitize_column_names
        from pyiceberg.table.locations import load_location_provider

        self._metadata, self._io, self._schema = metadata, io, metadata.schema()
        self._file_rows, self._partition = file_rows, partition
        self._written = sanitize_column_names(self._schema)  # a file's names are letters, digits and underscores
        self._arrow = pa.schema([with_plain_strings(field) for field in schema_to_pyarrow(self._written)])
        self._names = {f.name: name for f, name in zip(self._schema.fields, self._arrow.names, strict=True)}
        self._sort = sort_keys(metadata)
        self._locations = load_location_provider(metadata.location, metadata.properties)
        self._closed: list[tuple[DataFile, bool]] = []
        self._pending: list[pa.Table] = []
        self._path = ""
        self._sink: Any = None
        self._parquet: Any = None
        self._open_rows, self._open_covered = 0, False
        self.rows = self._stored_bytes = 0

    def write(self, rows: pa.Table, *, covered: bool) -> None:
        """Add rows; `covered` says that a STATE message vouches for them already."""
        if not rows.num_rows:
            return
        if self._open_rows and self._open_covered != covered:
            self.close_file()
        self._pending.append(rows)
        self._open_rows += rows.num_rows
        self._open_covered = covered
        self.rows += rows.num_rows
        if self.pending_rows >= ROW_GROUP_ROWS:
            self.flush()
        if self._open_rows >= self._file_rows:
            self.close_file()

    @property
    def pending_rows(self) -> int:
        """Rows held in memory."""
        return sum(table.num_rows for table in self._pending)

    @property
    def is_open(self) -> bool:
        """Whether a file is open."""
        return self._parquet is not None

    def mark_covered(self) -> None:
        """A STATE message arrived: all rows so far may be committed."""
        self._open_covered = self._open_rows > 0
        self._closed = [(file, True) for file, _ in self._closed]

    def so_far(self, names: list[str]) -> Iterator[pa.Table]:
        """These columns of everything written so far; the open file is closed for it."""
        self.close_file()
        for file, _ in self._closed:
            with self._io.new_input(file.file_path).open() as source:
                rows = pq.read_table(source, columns=[self._names[name] for name in names])
                yield rows.rename_columns({self._names[name]: name for name in names})

    def finish(self) -> list[DataFile]:
        """Close and return the files of covered rows; delete the others."""
        self.close_file()
        dropped = [file for file, covered in self._closed if not covered]
        kept = [file for file, covered in self._closed if covered]
        self._delete([file.file_path for file in dropped])
        self._closed = [(file, True) for file in kept]  # still ours to delete if the commit is refused
        return kept

    def committed(self) -> None:
        """The files belong to the table from now on."""
        self._closed = []

    def abandon(self) -> None:
        """Delete everything written; used when the run stops before the commit."""
        self._pending = []
        self._delete([*self._unfinished(), *(file.file_path for file, _ in self._closed)])
        self._closed = []

    @property
    def all_covered(self) -> bool:
        """Whether a STATE message vouches for every row written."""
        return (self._open_covered or not self._open_rows) and all(covered for _, covered in self._closed)

    def _unfinished(self) -> list[str]:
        """End the open file, if there is one; its path, if something stands there."""
        if self._parquet is None:
            return []
        self._parquet, parquet = None, self._parquet
        try:
            parquet.close()
            self._sink.close()
        except OSError as error:  # what could not be written is not there: the store said so before
            logger.info("%s was not written to its end: %s", self._path, error)
            return []
        return [self._path]

    def _delete(self, paths: list[str]) -> None:
        for path in paths:
            try:
                self._io.delete(path)
            except OSError as error:  # an unreferenced file is swept later; it must not hide why the run stops
                logger.warning("could not delete %s: %s", path, error)

    def flush(self) -> None:
        """Write what is held in memory to the open file."""
        if not self._pending:
            return
        if self._parquet is None:
            self._open_file()
        whole = pa.concat_tables(self._pending)
        self._pending = []
        whole = whole.sort_by(self._sort) if self._sort else whole
        self._wait_for_store()
        self._parquet.write_table(under_names_of(self._arrow, whole), row_group_size=ROW_GROUP_ROWS)

    def _wait_for_store(self) -> None:
        """Do not run ahead of a slow store: the driver takes what comes, and uploads it in its own time."""
        if self._sink.tell() - self._stored_bytes >= IN_FLIGHT_BYTES:
            self._sink.flush()
            self._stored_bytes = self._sink.tell()

    def _open_file(self) -> None:
        self._path = self._locations.new_data_location(f"{uuid.uuid4()}.parquet", self._partition)
        self._sink, self._stored_bytes = self._io.new_output(self._path).create(overwrite=True), 0
        self._parquet = pq.ParquetWriter(
            self._sink, self._arrow, store_schema=False, **writer_options(self._arrow, self._metadata.properties)
        )

    def close_file(self) -> None:
        """End the open file; what comes next goes into another."""
        self.flush()
        if self._parquet is not None:
            self._parquet.close()
            self._sink.close()
            self._closed.append((self._data_file(self._parquet.writer.metadata), self._open_covered))
        self._parquet, self._open_rows, self._open_covered = None, 0, False

    def _data_file(self, footer: Any) -> DataFile:
        from pyiceberg.io import pyarrow as io
        from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
        from pyiceberg.typedef import Record

        statistics = io.data_file_statistics_from_parquet_metadata(
            parquet_metadata=footer,
            stats_columns=io.compute_statistics_plan(self._schema, self._metadata.properties),
            parquet_column_mapping=io.parquet_path_to_id_mapping(self._written),
        )
        file = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=self._path,
            file_format=FileFormat.PARQUET,
            partition=Record() if self._partition is None else self._partition.partition,
            file_size_in_bytes=len(self._io.new_input(self._path)),
            sort_order_id=None,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )
        file.spec_id = self._metadata.default_spec_id
        return file
