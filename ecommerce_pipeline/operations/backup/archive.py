"""The folder that backups stand in: the authority on what is in it.

    backups/20171215T030000.123Z.json    one backup: pointers, tables, and the name, size and checksum of every file
    files/finance/daily_revenue/…        the files of all backups, by their path below the warehouse
    drafts/…                             files on their way in, each under a name of its own

Iceberg never changes a file, so a later backup copies only what is new. A backup exists once its manifest is there,
which is written last: an interrupted one leaves files that the next finds and keeps. Two at once disturb neither: a
file appears under its name only when it is whole, and both would write the same there. Objects come out of the store
decrypted, so everything here is readable by its owner only.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from ecommerce_pipeline.env_file import write_private

LOG = logging.getLogger(__name__)
FORMAT = 1
CHUNK = 1 << 20
ABANDONED_SECONDS = 86_400
_NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z")


class BackupError(RuntimeError):
    """A backup cannot be taken or put back; the message names the thing, the place and the next step."""


class Table(msgspec.Struct, frozen=True):
    """A table's pointer, and what it held: rows, data and delete files, and their bytes. Kind is TABLE or VIEW."""

    namespace: str
    name: str
    kind: str | None
    location: str
    rows: int
    files: int
    bytes: int


class File(msgspec.Struct, frozen=True):
    """A file by its path below the warehouse."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """One backup; `taken_at` is when its pointers were read, UTC."""

    format: int
    taken_at: datetime
    profile: str
    warehouse: str
    namespaces: list[tuple[str, str, str]]
    tables: list[Table]
    files: list[File]

    @property
    def name(self) -> str:
        """By which it is asked for; names sort by time."""
        moment = self.taken_at.astimezone(UTC)
        return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03d}Z"

    @property
    def bytes(self) -> int:
        """Size of all its files."""
        return sum(file.bytes for file in self.files)


class Archive:
    """The backups in a folder, which `keep` makes at first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Every complete backup, the oldest first."""
        return sorted(path.stem for path in (self.folder / "backups").glob("*.json") if _NAME.fullmatch(path.stem))

    def read(self, name: str | None = None) -> Manifest:
        """A backup by its name, the latest if None. Raises BackupError."""
        names = self.names()
        if not names or (name is not None and name not in names):
            there = f"there are {', '.join(names)}" if names else "there is none"
            raise BackupError(f"{self.folder} holds no backup{f' {name}' if name else ''}; {there}. Next: name another")
        path = self.folder / "backups" / f"{name or names[-1]}.json"
        try:
            manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        except msgspec.MsgspecError as error:
            raise BackupError(f"{path} is damaged: {error}. Next: restore another, with --from") from error
        if manifest.format != FORMAT:
            raise BackupError(f"{path} is of format {manifest.format}, this release reads {FORMAT}. Next: use its own")
        return manifest

    def known(self) -> dict[str, File]:
        """The files of the latest backup that can be read, by path; what only earlier ones name is not among them."""
        for name in reversed(self.names()):
            try:
                return {file.path: file for file in self.read(name).files}
            except BackupError as error:
                LOG.warning("%s; this backup goes on without it", error)
        return {}

    def keep(self, manifest: Manifest) -> None:
        """Write the manifest, by which the backup exists."""
        path = self.folder / "backups" / f"{manifest.name}.json"
        write_private(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1).decode())

    def file(self, path: str) -> Path:
        """Where a file of that path below the warehouse stands."""
        return self.folder / "files" / path

    def store(self, path: str, source: BinaryIO) -> File:
        """Copy a file in; it appears under its name when it is whole."""
        place = self.file(path)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._drafts.mkdir(exist_ok=True, mode=0o700)
        checksum, size = hashlib.sha256(), 0
        descriptor, draft = tempfile.mkstemp(dir=self._drafts)
        try:
            with os.fdopen(descriptor, "wb") as target:
                for chunk in chunks(source):
                    target.write(chunk)
                    checksum.update(chunk)
                    size += len(chunk)
                target.flush()
                os.fsync(target.fileno())
            os.replace(draft, place)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return File(path, size, checksum.hexdigest())

    def clear_abandoned(self) -> None:
        """Delete what killed backups left half written; a draft that grew within a day may be another's at work."""
        for draft in self._drafts.glob("*"):
            with suppress(FileNotFoundError):
                if draft.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                    draft.unlink()

    @property
    def _drafts(self) -> Path:
        return self.folder / "drafts"


def chunks(source: BinaryIO) -> Iterator[bytes]:
    """What is left of a stream, a megabyte at a time."""
    while chunk := source.read(CHUNK):
        yield chunk


def checksum_of(source: BinaryIO) -> str:
    """SHA-256 of what is left of a stream."""
    found = hashlib.sha256()
    for chunk in chunks(source):
        found.update(chunk)
    return found.hexdigest()
