"""Rows to files in the stage folder: the authority on what a BATCH message points to.

A file is an Arrow file, which the target maps into its memory without reading it, or Parquet for targets that know no
Arrow. The target deletes each file as it has read it, and a folder with its last file; so every run has a folder of its
own, held by a marker while the run writes. What a killed run left behind is swept a day later by the next run of the
same stream, when nobody can still be reading it.
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
from tap_files.jsonlines import Values
from tap_files.settings import Settings
from tap_files.waiting import wait_for_target

SLICE = 16_384
"""Rows collected before they are written."""
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

    def __init__(self, declaration: Declaration, settings: Settings) -> None:
        stage = Path(settings.stage_dir).absolute()
        self._schema = pa.schema([pa.field(column.name, arrow_type(column)) for column in declaration.all_columns])
        self._folder = stage / f"{declaration.name}-{os.getpid()}-{time.time_ns():x}"
        self._batch_rows, self._ahead, self._format = settings.batch_rows, settings.batches_ahead, settings.batch_format
        self._held: list[pa.RecordBatch] = []
        self._held_rows = self._written = self.seen = 0
        self._writer: Any = None
        self._path, self._numbers, self._waiting = Path(), count(1), list[Path]()
        self._folder.mkdir(parents=True)
        self._marker = self._folder / "being-written"
        self._marker.touch()
        _sweep(stage, declaration.name)

    def add(self, columns: Sequence[Values], file: str, lines: Sequence[int]) -> Iterator[str]:
        """Take rows (columns in declared order); yields the address of a file that became full."""
        if lines:
            place = (pa.repeat(pa.scalar(file, pa.string()), len(lines)), pa.array(lines, pa.int64()))
            values = zip((*columns, *place), self._schema, strict=True)
            arrays = [one if isinstance(one, pa.Array) else pa.array(one, field.type) for one, field in values]
            self._held.append(pa.record_batch(arrays, schema=self._schema))
        self._held_rows += len(lines)
        self.seen += len(lines)
        if self._held_rows >= SLICE:
            self._flush()
        if self._written >= self._batch_rows:
            yield self._finish()

    def close(self) -> Iterator[str]:
        """The address of the last file, if there are rows left."""
        if self._held:
            self._flush()
        if self._writer is not None:
            yield self._finish()
        self._marker.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the target still has files to read here, and removes the folder itself
            self._folder.rmdir()

    def _flush(self) -> None:
        rows = pa.Table.from_batches(self._held, self._schema).combine_chunks()
        if self._writer is None:
            self._waiting = wait_for_target(self._waiting, self._ahead)
            self._path = self._folder / f"{next(self._numbers)}.{self._format}"
            self._writer = _open(self._path, self._schema, self._format)
        self._writer.write_table(rows)
        self._written += rows.num_rows
        self._held, self._held_rows = [], 0

    def _finish(self) -> str:
        self._writer.close()
        self._waiting.append(self._path)
        self._writer, self._written = None, 0
        return self._path.as_uri()


def arrow_type(column: Column) -> pa.DataType:
    """The type of a column in the batches, exactly the lake's."""
    return pa.decimal128(column.precision, column.scale) if column.kind == "decimal" else _ARROW[column.kind]


def _open(path: Path, schema: pa.Schema, form: str) -> Any:
    if form == "arrow":
        return pa.ipc.new_file(str(path), schema)
    return pq.ParquetWriter(
        path,
        schema,
        compression="lz4",
        use_dictionary=[SOURCE_FILE],  # of the rest it would cost more than it saves
        write_statistics=False,
        store_decimal_as_integer=False,
    )


def _sweep(stage: Path, stream: str) -> None:
    for folder in stage.glob(f"{stream}-*-*"):
        if folder.stat().st_mtime < time.time() - ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)
