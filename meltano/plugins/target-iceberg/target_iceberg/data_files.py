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

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

logger = logging.getLogger("target-iceberg")
ROW_GROUP_ROWS = 128_000


class DataFileWriter:
    """Writes Arrow tables of one schema into the table's data folder.

    Nothing is visible to readers until the files are committed.
    """

    def __init__(self, table: Table, schema: Schema, file_rows: int) -> None:
        from pyiceberg.io.pyarrow import schema_to_pyarrow
        from pyiceberg.schema import sanitize_column_names
        from pyiceberg.table.locations import load_location_provider

        self._metadata, self._io, self._schema = table.metadata, table.io, schema
        self._file_rows = file_rows
        self._arrow = pa.schema([_with_plain_strings(f) for f in schema_to_pyarrow(sanitize_column_names(schema))])
        self._locations = load_location_provider(table.metadata.location, table.metadata.properties)
        self._closed: list[tuple[DataFile, bool]] = []
        self._pending: list[pa.Table] = []
        self._path = ""
        self._sink: Any = None
        self._parquet: Any = None
        self._open_rows, self._open_covered = 0, False
        self.rows = 0

    def write(self, rows: pa.Table, *, covered: bool) -> None:
        """Add rows; `covered` says that a STATE message vouches for them already."""
        if not rows.num_rows:
            return
        if self._open_rows and self._open_covered != covered:
            self._close_file()
        self._pending.append(rows)
        self._open_rows += rows.num_rows
        self._open_covered = covered
        self.rows += rows.num_rows
        if sum(table.num_rows for table in self._pending) >= ROW_GROUP_ROWS:
            self._flush()
        if self._open_rows >= self._file_rows:
            self._close_file()

    def mark_covered(self) -> None:
        """A STATE message arrived: all rows so far may be committed."""
        self._open_covered = self._open_rows > 0
        self._closed = [(file, True) for file, _ in self._closed]

    def so_far(self, names: list[str]) -> Iterator[pa.Table]:
        """These columns of everything written so far; the open file is closed for it."""
        self._close_file()
        for file, _ in self._closed:
            with self._io.new_input(file.file_path).open() as source:
                yield pq.read_table(source, columns=names)

    def finish(self) -> list[DataFile]:
        """Close and return the files of covered rows; delete the others."""
        self._close_file()
        dropped = [file for file, covered in self._closed if not covered]
        kept = [file for file, covered in self._closed if covered]
        self._delete(dropped)
        self._closed = [(file, True) for file in kept]  # still ours to delete if the commit is refused
        return kept

    def committed(self) -> None:
        """The files belong to the table from now on."""
        self._closed = []

    def abandon(self) -> None:
        """Delete everything written; used when the run stops before the commit."""
        self._pending = []
        if self._parquet is not None:
            self._parquet.close()
            self._sink.close()
            self._io.delete(self._path)
            self._parquet = None
        self._delete([file for file, _ in self._closed])
        self._closed = []

    @property
    def all_covered(self) -> bool:
        """Whether a STATE message vouches for every row written."""
        return (self._open_covered or not self._open_rows) and all(covered for _, covered in self._closed)

    def _delete(self, files: list[DataFile]) -> None:
        for file in files:
            try:
                self._io.delete(file.file_path)
            except OSError as error:  # an unreferenced file is swept later; it must not hide why the run stops
                logger.warning("could not delete %s: %s", file.file_path, error)

    def _flush(self) -> None:
        if not self._pending:
            return
        if self._parquet is None:
            self._open_file()
        whole = pa.concat_tables(self._pending)
        self._pending = []
        self._parquet.write_table(whole, row_group_size=ROW_GROUP_ROWS)

    def _open_file(self) -> None:
        self._path = self._locations.new_data_location(f"{uuid.uuid4()}.parquet")
        self._sink = self._io.new_output(self._path).create(overwrite=True)
        self._parquet = pq.ParquetWriter(
            self._sink, self._arrow, store_schema=False, **_writer_options(self._arrow, self._metadata.properties)
        )

    def _close_file(self) -> None:
        self._flush()
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
            parquet_column_mapping=io.parquet_path_to_id_mapping(self._schema),
        )
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=self._path,
            file_format=FileFormat.PARQUET,
            partition=Record(),
            file_size_in_bytes=len(self._io.new_input(self._path)),
            sort_order_id=None,
            spec_id=self._metadata.default_spec_id,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )


def _writer_options(schema: pa.Schema, properties: dict[str, str]) -> dict[str, Any]:
    """Dictionaries for text and for the constants of a commit only:

    for numbers and times they cost more than they save.
    """
    codec = properties.get("write.parquet.compression-codec", "zstd")
    level = properties.get("write.parquet.compression-level")
    texts = [f.name for f in schema if pa.types.is_string(f.type) or f.name.startswith("_sdc_")]
    return {
        "compression": codec,
        "compression_level": None if level is None else int(level),
        "use_dictionary": [name for name in texts if name != "_sdc_sequence"] or False,
    }


def _with_plain_strings(field: pa.Field) -> pa.Field:
    """The field with its id and without large strings, which would cost a copy of every text column."""
    kind = field.type
    if pa.types.is_large_string(kind):
        kind = pa.string()
    elif pa.types.is_large_binary(kind):
        kind = pa.binary()
    elif pa.types.is_struct(kind):
        kind = pa.struct([_with_plain_strings(child) for child in kind])
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = pa.list_(_with_plain_strings(kind.value_field))
    return pa.field(field.name, kind, nullable=field.nullable, metadata=field.metadata)
