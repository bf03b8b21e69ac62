"""Batch files between tap and target: each run's own folder, bounded in size, swept when its run is long gone.

They are Arrow files, which the target maps into its memory without decoding them, or Parquet for targets that know no
Arrow: without compression, dictionaries or statistics, since they live for a second on one machine. The target deletes
each file once it stands in the table's data files.
"""

from __future__ import annotations

import logging
import select
import shutil
import sys
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import TapError

logger = logging.getLogger("tap-sql")
STALE_SECONDS = 24 * 3600
PATIENCE_SECONDS = 120.0
ATTEMPTS = 20


class Stage:
    """The folder of one run."""

    def __init__(self, root: Path, ahead: int, form: str) -> None:
        """`ahead` files may wait for the target before the tap does; `form` is arrow or parquet."""
        self._folder = root / f"run-{uuid.uuid4().hex}"
        self._ahead, self._form = ahead, form
        self._written: list[Path] = []

    def put(self, rows: pa.Table) -> str:
        """Write the rows; returns the file's address."""
        self._wait_for_target()
        path = self._folder / f"{uuid.uuid4().hex}.{self._form}"
        try:
            self._write(path, rows)
        except OSError as error:
            raise TapError(
                f"tap-sql: cannot write a batch to {self._folder}: {error}. Next: free space there, or set "
                "stage_dir to "
                "another folder; the run can be repeated safely"
            ) from error
        self._written.append(path)
        return path.as_uri()

    def _write(self, path: Path, rows: pa.Table) -> None:
        """Write the file; the target removes the folder with the last file in it, perhaps at this moment."""
        for attempt in range(ATTEMPTS):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._write_once(path, rows)
            except (FileExistsError, FileNotFoundError):
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def _write_once(self, path: Path, rows: pa.Table) -> None:
        if self._form == "arrow":
            with pa.ipc.new_file(str(path), rows.schema) as file:
                file.write_table(rows)
            return
        pq.write_table(
            rows,
            path,
            compression="none",
            use_dictionary=False,
            write_statistics=False,
            row_group_size=rows.num_rows,
            store_schema=False,
        )

    def _wait_for_target(self) -> None:
        """Do not run ahead of the target; go on after a while, since a stock target may keep files until its end.

        Raises BrokenPipeError if the target is gone, which a tap that waits would not notice otherwise.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self._written) >= self._ahead and time.monotonic() < deadline:
            self._written = [path for path in self._written if path.exists()]
            if len(self._written) >= self._ahead:
                if _nobody_reads():
                    raise BrokenPipeError
                time.sleep(0.02)


def _nobody_reads() -> bool:
    """Whether stdout is a pipe whose other end is closed."""
    try:
        standard = sys.stdout.fileno()
    except (OSError, ValueError):  # no file of the system's, as in tests
        return False
    poll = select.poll()
    poll.register(standard, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def sweep(root: Path) -> None:
    """Delete folders of runs that died long ago.

    A living run's files are never that old, because the tap waits for its target.
    """
    horizon = time.time() - STALE_SECONDS
    for folder in root.glob("run-*"):
        try:
            stale = folder.stat().st_mtime < horizon
        except FileNotFoundError:
            continue
        if stale:
            logger.info("sweeping the batches of a run that died: %s", folder)
            shutil.rmtree(folder, ignore_errors=True)
