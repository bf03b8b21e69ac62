"""A declared stream as a Singer stream: the authority on the order of its messages.

SCHEMA, then batches and rejects as they come, then (full table) ACTIVATE_VERSION, then one STATE. The bookmark goes
out only when everything before it has gone out, so that a target that commits at STATE commits exactly what the
bookmark says.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.helpers._batch import BaseBatchFileEncoding, SDKBatchMessage
from singer_sdk.singerlib.messages import ActivateVersionMessage, SchemaMessage
from singer_sdk.streams.core import Stream

from tap_files.batches import Batches
from tap_files.bookmark import Listed, Plan, Progress, Reading, content_digest, listing
from tap_files.declaration import Declaration
from tap_files.errors import FilesError
from tap_files.reading import Piece, Reader
from tap_files.rejects import Describer

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context, Record

    from tap_files.tap import TapFiles

REPORT_EVERY_SECONDS = 5.0
_ENCODING = BaseBatchFileEncoding(format="parquet", compression="none")


class FileStream(Stream):
    """One stream of the tap, read from all its files under one bookmark."""

    def __init__(self, tap: TapFiles, declaration: Declaration) -> None:
        self._declared, self._files_tap = declaration, tap
        super().__init__(tap=tap, schema=declaration.schema, name=declaration.name)
        self.primary_keys = list(declaration.key_properties)
        self.forced_replication_method = declaration.replication_method
        self._root = Path(self.config["path"])
        self._describer = Describer(declaration.name, declaration.customer_column)
        self._rejected = 0

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Records are never sent one by one: whole batches are."""
        raise NotImplementedError(f"{self.name} is sent in batches")

    def _write_schema_message(self) -> None:
        self._files_tap.announce_state()
        self._declared = self._as_selected()
        keys = list(self._declared.key_properties)
        self._tap.write_message(SchemaMessage(stream=self.name, schema=self._declared.schema, key_properties=keys))

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Send all that is new since the bookmark, in batches, so there are no records to give; raises FilesError."""
        del context, write_messages
        self._send_all()
        yield from ()

    def _send_all(self) -> None:
        files = listing(self._root, self._declared.files)
        bookmark = self.stream_state
        following = (self._sync_whole if self._declared.full_table else self._sync_new)(files, bookmark)
        bookmark.clear()
        bookmark.update(following)  # the SDK sends it as soon as this stream is done

    def _as_selected(self) -> Declaration:
        """The declaration with what the catalog says about it: method and selected columns."""
        columns = tuple(c for c in self._declared.columns if self.mask.get(("properties", c.name), True))
        return replace(self._declared, columns=columns, replication_method=self.replication_method)

    def _sync_new(self, files: list[Listed], bookmark: dict[str, Any]) -> dict[str, Any]:
        progress = Progress(bookmark)
        plan = progress.plan(files)
        if not files:
            self.logger.warning("%s: no file matches %s under %s", self.name, self._declared.files, self._root)
        self._read(plan, files, progress)
        return progress.bookmark(files, self.config["recent_folders"])

    def _sync_whole(self, files: list[Listed], bookmark: dict[str, Any]) -> dict[str, Any]:
        if not files or (self._declared.format == "csv" and not all(file.size for file in files)):
            raise FilesError(
                f"{self.name}: a file of {self._root / self._declared.files} is empty or there is none, and the table "
                "would be emptied. Next: export the files again; the table is as it was"
            )
        content = content_digest(self._root, files, msgspec.json.encode(self._declared.schema).decode())
        if bookmark.get("content") == content:
            self.logger.info("%s: the files are unchanged", self.name)
            return dict(bookmark)
        self._read(Plan([Reading(file) for file in files]), files, None)
        self._tap.write_message(ActivateVersionMessage(stream=self.name, version=self._tap.initialized_at))
        return {"content": content}

    def _read(self, plan: Plan, files: Sequence[Listed], progress: Progress | None) -> None:
        for warning in plan.warnings:
            self.logger.warning("%s: %s", self.name, warning)
        batches = Batches(self._declared, Path(self.config["stage_dir"]).absolute(), self.config["batch_rows"])
        reader = Reader(self._declared, self._root, self.config["max_line_bytes"], self.logger.warning)
        newest = files[-1] if files and progress and self.config["unfinished_lines"] == "wait" else None
        reported = time.monotonic()
        for number, reading in enumerate(plan.readings, 1):
            for piece in self._pieces(reader, reading, wait=reading.file == newest):
                self._send_piece(piece, reading.file.path, batches)
                if progress:
                    progress.consumed(reading.file, piece.consumed, piece.lines_consumed)
            if time.monotonic() - reported > REPORT_EVERY_SECONDS or number == len(plan.readings):
                reported = time.monotonic()
                self._report(number, len(plan.readings), batches)
        self._send_batches(batches.close())

    def _pieces(self, reader: Reader, reading: Reading, wait: bool) -> Iterator[Piece]:
        try:
            yield from reader.pieces(reading, wait)
        except FileNotFoundError:
            self.logger.warning("%s: %s is gone since it was listed", self.name, reading.file.path)
        except OSError as error:
            path = self._root / reading.file.path
            raise FilesError(f"{path} cannot be read: {error.strerror}. Next: check its rights") from error

    def _send_piece(self, piece: Piece, file: str, batches: Batches) -> None:
        for reject in piece.rejects:
            self._tap.write_message(self._describer.message(file, reject))
        self._rejected += len(piece.rejects)
        self._send_batches(batches.add(piece.columns, file, piece.lines))

    def _send_batches(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            self._tap.write_message(SDKBatchMessage(stream=self.name, encoding=_ENCODING, manifest=[address]))

    def _report(self, number: int, files: int, batches: Batches) -> None:
        self.logger.info(
            "%s: %d of %d files, %d rows, %d rejects", self.name, number, files, batches.seen, self._rejected
        )
