"""Rows to Parquet files in the stage folder: the authority on what a BATCH message points to.

The target deletes each file as it has read it, and a folder with its last file; so every run has a folder of its own,
held by a marker while the run writes. What a killed run left behind is swept a day later by the next run of the same
stream, when nobody can still be reading it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tap_files.declaration import SOURCE_FILE, Column, Declaration

SLICE = 16_384
"""Rows held as Python values before they become Arrow: bounds the memory."""
ABANDONED = 24 * 3600


_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "json": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}


class Batches:
    """Collects the rows of one stream and gives the address of each finished file."""

    def __init__(self, declaration: Declaration, stage: Path, batch_rows: int) -> None:
        self._schema = pa.schema([pa.field(column.name, arrow_type(column)) for column in declaration.all_columns])
        self._folder = stage / f"{declaration.name}-{os.getpid()}-{time.time_ns():x}"
        self._batch_rows = batch_rows
        self._buffer: list[list[Any]] = [[] for _ in self._schema]
        self._writer: pq.ParquetWriter | None = None
        self._path, self._written, self._numbers = Path(), 0, count(1)
        self.seen = 0
        self._folder.mkdir(parents=True)
        self._marker = self._folder / "being-written"
        self._marker.touch()
        _sweep(stage, declaration.name)

    def add(self, columns: Sequence[Sequence[Any]], file: str, lines: Sequence[int]) -> Iterator[str]:
        """Take rows (columns in declared order); yields the address of a file that became full."""
        for held, values in zip(self._buffer, [*columns, [file] * len(lines), lines], strict=True):
            held.extend(values)
        self.seen += len(lines)
        if len(self._buffer[-1]) >= SLICE:
            self._flush()
        if self._written >= self._batch_rows:
            yield self._finish()

    def close(self) -> Iterator[str]:
        """The address of the last file, if there are rows left."""
        if self._buffer[-1]:
            self._flush()
        if self._writer is not None:
            yield self._finish()
        self._marker.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the target still has files to read here, and removes the folder itself
            self._folder.rmdir()

    def _flush(self) -> None:
        arrays = [pa.array(values, field.type) for values, field in zip(self._buffer, self._schema, strict=True)]
        batch = pa.record_batch(arrays, schema=self._schema)
        if self._writer is None:
            self._path = self._folder / f"{next(self._numbers)}.parquet"
            self._writer = pq.ParquetWriter(
                self._path,
                self._schema,
                compression="lz4",
                use_dictionary=[SOURCE_FILE],  # of the rest it would cost more than it saves
                write_statistics=False,
                store_decimal_as_integer=False,
            )
        self._writer.write_batch(batch)
        self._written += batch.num_rows
        for held in self._buffer:
            held.clear()

    def _finish(self) -> str:
        assert self._writer is not None  # noqa: S101 - for the type checker: callers have written
        self._writer.close()
        self._writer, self._written = None, 0
        return self._path.as_uri()


def arrow_type(column: Column) -> pa.DataType:
    """The type of a column in the batches, exactly the lake's."""
    return pa.decimal128(column.precision, column.scale) if column.kind == "decimal" else _ARROW[column.kind]


def _sweep(stage: Path, stream: str) -> None:
    for folder in stage.glob(f"{stream}-*-*"):
        if folder.stat().st_mtime < time.time() - ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)
