"""BATCH manifests: Arrow or Parquet files of whole columns, handed over by the tap.

They are deleted as they are read, not after the commit: a run that stops reads its source again anyway, and the stage
must not grow to the size of the source.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.parquet as pq

from .columns import exact_cast
from .errors import LoadError

ARROW = b"ARROW1"


class BatchRows:
    """Rows of a batch file."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def cut(self, start: int, stop: int) -> Self:
        """The rows from start to stop, without a copy."""
        return type(self)(self.table.slice(start, stop - start))


def batch_paths(message: Mapping[str, Any]) -> list[Path]:
    """The files of a BATCH message; raises LoadError for an encoding or an address this target does not read."""
    encoding = message.get("encoding", {}).get("format")
    if encoding not in ("parquet", "arrow"):
        raise LoadError(
            f"stream {message.get('stream')}: BATCH encoding {encoding!r} is not read here. Next: set the tap's "
            "batch_config.encoding.format to parquet or arrow, or switch its batches off"
        )
    return [_local(address) for address in message.get("manifest", [])]


def read_batch(path: Path) -> BatchRows:
    """All rows of one file; raises LoadError if it is gone or neither Arrow nor Parquet, by its beginning."""
    try:
        with path.open("rb") as beginning:
            if beginning.read(len(ARROW)) == ARROW:  # mapped, not read: its pages go when its rows are written
                return BatchRows(pa.ipc.open_file(pa.memory_map(str(path))).read_all())
        with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
            return BatchRows(file.read())
    except (OSError, pa.ArrowInvalid) as error:
        raise LoadError(
            f"batch file {path} cannot be read: {error}. Next: run again, the source is read anew"
        ) from error


def to_columns(rows: BatchRows, columns: Mapping[str, pa.DataType]) -> pa.Table:
    """The declared columns, exactly.

    A column that the file lacks is NULL. Raises an Arrow error if a value does not fit.
    """
    names = set(rows.table.schema.names)
    return pa.table(
        [_column(rows, name, kind) if name in names else pa.nulls(len(rows), kind) for name, kind in columns.items()],
        names=list(columns),
    )


def remove(paths: Iterable[Path]) -> None:
    """Delete batch files, and the run's folder with the last of them."""
    for path in paths:
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty yet, or somebody else's folder
            path.parent.rmdir()


def _column(rows: BatchRows, name: str, kind: pa.DataType) -> pa.ChunkedArray:
    try:
        return exact_cast(rows.table[name], kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(f"column {name}: {error}") from error


def _local(address: str) -> Path:
    parsed = urlparse(address)
    if parsed.scheme not in {"", "file"}:
        raise LoadError(
            f"batch file {address}: only file:// addresses are read. Next: set the tap's batch storage root to file://"
        )
    return Path(unquote(parsed.path) if parsed.scheme else address)
