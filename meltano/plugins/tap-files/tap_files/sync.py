"""One run of the tap: the authority on the order of its messages.

First the state the run starts from, which the target holds against its tables. Then stream by stream: SCHEMA, batches
and rejects as they come, ACTIVATE_VERSION where a table is replaced, and STATE, always, when everything before it has
gone out; so a target that commits at STATE commits exactly what the bookmark says.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tap_files.bookmark import Listed, Plan, Progress, Reading, content_digest, listing, newest
from tap_files.catalog import as_selected
from tap_files.declaration import Declaration, declaration
from tap_files.errors import FilesError
from tap_files.messages import Messages
from tap_files.pace import Pace
from tap_files.reading import Piece, Reader
from tap_files.rejects import Describer
from tap_files.seals import seal
from tap_files.settings import Settings

if TYPE_CHECKING:
    from tap_files.batches import Batches

logger = logging.getLogger("tap-files")


def sync(settings: Settings, catalog: Mapping[str, Any], state: Mapping[str, Any], messages: Messages) -> None:
    """Read all selected streams; raises FilesError for what a person must put right."""
    bookmarks: dict[str, Any] = dict(state.get("bookmarks", {}))
    messages.state(bookmarks)
    declared = [as_selected(declaration(stream), catalog) for stream in settings.streams]
    for stream in filter(None, declared):
        messages.schema(stream.name, stream.schema, stream.key_properties)
        bookmarks[stream.name] = StreamSync(settings, stream, messages).run(bookmarks.get(stream.name) or {})
        messages.state(bookmarks)


class StreamSync:
    """Reads one stream once."""

    def __init__(self, settings: Settings, stream: Declaration, messages: Messages) -> None:
        self._settings, self._stream, self._messages = settings, stream, messages
        self._root = Path(settings.path)
        self._describer = Describer(stream.name, stream.customer_column)
        self._rejected = 0

    def run(self, bookmark: Mapping[str, Any]) -> dict[str, Any]:
        """Send what is new since the bookmark; returns the next one."""
        files = listing(self._root, self._stream.files)
        return (self._replace if self._stream.full_table else self._append)(files, bookmark)

    def _append(self, files: list[Listed], bookmark: Mapping[str, Any]) -> dict[str, Any]:
        progress = Progress(bookmark)
        plan = progress.plan(files, self._seal)
        if not files:
            logger.warning("%s: no file matches %s under %s", self._stream.name, self._stream.files, self._root)
        self._read(plan, files, progress)
        return progress.bookmark(files, self._settings.recent_folders)

    def _replace(self, files: list[Listed], bookmark: Mapping[str, Any]) -> dict[str, Any]:
        if not files or (self._stream.format == "csv" and not all(file.size for file in files)):
            raise FilesError(
                f"{self._stream.name}: a file of {self._root / self._stream.files} is empty or there is none, and the "
                "table would be emptied. Next: export the files again; the table is as it was"
            )
        try:
            content = content_digest(self._root, files, msgspec.json.encode(self._stream.schema).decode())
        except FileNotFoundError as error:
            raise self._gone(error.filename) from error
        if bookmark.get("content") == content:
            logger.info("%s: the files are unchanged", self._stream.name)
            return dict(bookmark)
        self._read(Plan([Reading(file) for file in files]), files, None)
        self._messages.activate_version(self._stream.name, time.time_ns() // 1_000_000)
        return {"content": content}

    def _read(self, plan: Plan, files: Sequence[Listed], progress: Progress | None) -> None:
        for warning in plan.warnings:
            logger.warning("%s: %s", self._stream.name, warning)
        if not plan.readings:
            return
        from tap_files.batches import Batches  # brings pyarrow, which costs more than finding that nothing is new

        batches = Batches(self._stream, self._settings)
        reader = Reader(self._stream, self._root, self._settings.max_line_bytes, logger.warning)
        waiting = newest(files) if progress and self._settings.unfinished_lines == "wait" else None
        pace = Pace(self._stream.name, _bytes_to_read(plan))
        for reading in plan.readings:
            at = reading.offset
            for piece in self._pieces(reader, reading, wait=reading.file == waiting):
                self._send(piece, reading.file.path, batches)
                pace.add(len(piece.lines), piece.consumed - at)
                at = piece.consumed
                if progress:
                    progress.consumed(reading.file, piece.consumed, piece.lines_consumed)
            if progress:
                progress.seal(reading.file, self._seal)
        logger.info(
            "%s: %d files, %s rows, %d rejects",
            self._stream.name, len(plan.readings), f"{batches.seen:,}", self._rejected,
        )  # fmt: skip
        for address in batches.close():
            self._messages.batch(self._stream.name, address, self._settings.batch_format)

    def _pieces(self, reader: Reader, reading: Reading, wait: bool) -> Iterator[Piece]:
        try:
            yield from reader.pieces(reading, wait)
        except FileNotFoundError as error:
            if self._stream.full_table:
                raise self._gone(reading.file.path) from error
            logger.warning("%s: %s is gone since it was listed", self._stream.name, reading.file.path)
        except OSError as error:
            path = self._root / reading.file.path
            raise FilesError(f"{path} cannot be read: {error.strerror}. Next: check its rights") from error

    def _seal(self, file: Listed, offset: int) -> int | None:
        return seal(self._root / file.path, offset)

    def _gone(self, path: str | Path) -> FilesError:
        return FilesError(
            f"{self._stream.name}: {path} is gone since it was listed, and the table would lose its rows. Next: run "
            "again when the export is complete; the table is as it was"
        )

    def _send(self, piece: Piece, file: str, batches: Batches) -> None:
        for reject in piece.rejects:
            self._messages.reject(self._describer.record(file, reject))
        self._rejected += len(piece.rejects)
        for address in batches.add(piece.columns, file, piece.lines):
            self._messages.batch(self._stream.name, address, self._settings.batch_format)


def _bytes_to_read(plan: Plan) -> int | None:
    """How much the readings come to; None if a packed file is among them, of which nobody knows."""
    if any(reading.file.path.endswith(".gz") for reading in plan.readings):
        return None
    return sum(reading.file.size - reading.offset for reading in plan.readings)
