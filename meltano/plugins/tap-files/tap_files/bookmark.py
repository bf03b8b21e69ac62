"""One bookmark for many files: the authority on what has been read, and on what is to be read next.

Files come in folders (one a day) that stop changing after a while. The newest folders are remembered file by file,
with the bytes and lines consumed, so that a file that grew costs only its new bytes, and with a checksum of what stood
there last, so that another file under the same name is not taken for one that grew. Older folders are remembered by
a digest of their names and sizes: a year of hourly files takes some 12 KB. A file that arrives late in an old folder
changes the digest, and the folder is read again whole; the models downstream keep one row per key, so this costs time
and never truth. An empty file is as good as none, wherever it stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tap_files.errors import FilesError


@dataclass(frozen=True, slots=True, order=True)
class Listed:
    """A file that matches: path relative to the tap's folder (with slashes) and size in bytes."""

    path: str
    size: int

    @property
    def folder(self) -> str:
        """The folder it stands in, relative as well."""
        return str(PurePosixPath(self.path).parent)

    @property
    def name(self) -> str:
        """Its name within the folder."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Reading:
    """One file to read: from this byte and after this many lines, up to its listed size."""

    file: Listed
    offset: int = 0
    lines: int = 0


Seal = Callable[[Listed, int], int | None]


@dataclass(slots=True)
class Plan:
    """What to read, in order of path, and what a person should know about it."""

    readings: list[Reading] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def listing(root: Path, pattern: str) -> list[Listed]:
    """The files under `root` that match, in order of path; raises FilesError when there is no such folder."""
    if not root.is_dir():
        raise FilesError(
            f"there is no folder {root}. Next: check the tap's setting `path`, or that the disk is mounted"
        )
    found = (path for path in root.glob(pattern) if path.is_file())
    return sorted(Listed(path.relative_to(root).as_posix(), path.stat().st_size) for path in found)


class Progress:
    """What has been consumed, folder by folder: made from a bookmark, updated while reading, turned into the next."""

    def __init__(self, bookmark: Mapping[str, Any]) -> None:
        self._closed: dict[str, str] = dict(bookmark.get("closed", {}))
        self._open: dict[str, dict[str, list[int]]] = {
            folder: {name: list(mark) for name, mark in files.items()}
            for folder, files in bookmark.get("recent", {}).items()
        }

    def plan(self, files: Iterable[Listed], seal: Seal = lambda _file, _offset: None) -> Plan:
        """What of the listed files is new; of files that shrank or were replaced it forgets what was consumed.

        `seal` tells a file's checksum at an offset, None if it is not known.
        """
        plan = Plan()
        for folder, members in _by_folder(files).items():
            if folder in self._open:
                for file in members:
                    self._plan_known(file, plan, seal)
                continue
            readings = [Reading(file) for file in members if file.size]
            if readings and self._closed.get(folder) != digest((file.name, file.size) for file in members):
                if folder in self._closed:
                    plan.warnings.append(
                        f"{folder} changed after it was closed: its {len(readings)} files are read again"
                    )
                plan.readings += readings
        return plan

    def _plan_known(self, file: Listed, plan: Plan, seal: Seal) -> None:
        consumed, lines, *sealed = self._open[file.folder].get(file.name, (0, 0))
        why = ""
        if file.size < consumed:
            why = f"shrank from {consumed} to {file.size} bytes"
        elif sealed and seal(file, consumed) not in (sealed[0], None):
            why = f"was replaced, its bytes before {consumed} are others than were read"
        if why:
            plan.warnings.append(f"{file.path} {why}: it is read again whole")
            self.consumed(file, 0, 0)  # of what stands there now; it may be nothing yet, or half a line that waits
            plan.readings += [Reading(file)] if file.size else []
        elif file.size > consumed:
            plan.readings.append(Reading(file, consumed, lines))

    def consumed(self, file: Listed, size: int, lines: int) -> None:
        """Record that the file was read up to this byte and line."""
        self._closed.pop(file.folder, None)
        self._open.setdefault(file.folder, {})[file.name] = [size, lines]

    def seal(self, file: Listed, seal: Seal) -> None:
        """Remember the file's checksum where reading came to."""
        mark = self._open.get(file.folder, {}).get(file.name)
        if mark and mark[0] and (found := seal(file, mark[0])) is not None:
            mark[2:] = [found]

    def bookmark(self, files: Iterable[Listed], recent_folders: int) -> dict[str, Any]:
        """The next bookmark: the newest folders in detail, the others as digests.

        A folder that is not there (its disk is not mounted, or it was cleaned up) keeps its digest: should it come
        back, its events do not come twice.
        """
        present = _by_folder(files)
        recent = sorted(present)[-recent_folders:]
        closed = dict(self._closed)
        for folder, marks in self._open.items():
            if folder not in recent:
                names = {file.name for file in present[folder]} if folder in present else set(marks)
                closed[folder] = digest((name, mark[0]) for name, mark in marks.items() if name in names)
        return {
            "closed": dict(sorted(closed.items())),
            "recent": {folder: dict(sorted(self._open[folder].items())) for folder in recent if folder in self._open},
        }


def digest(entries: Iterable[tuple[str, int]]) -> str:
    """Twelve hex digits that change when a file of a folder is added, removed, renamed or resized, empty ones apart."""
    text = "\n".join(f"{name} {size}" for name, size in sorted(entries) if size)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def content_digest(root: Path, files: Iterable[Listed], declared: str) -> str:
    """A digest of the files' whole content and of how they are declared: unchanged means that nothing need be read."""
    total = hashlib.sha256(declared.encode())
    for file in files:
        total.update(f"\n{file.path} {file.size}\n".encode())
        with (root / file.path).open("rb") as source:
            total.update(hashlib.file_digest(source, "sha256").digest())
    return total.hexdigest()[:32]


def newest(files: Iterable[Listed]) -> Listed | None:
    """The last file of the newest folder; None if there is no file."""
    return max(files, key=lambda file: (file.folder, file.name), default=None)


def _by_folder(files: Iterable[Listed]) -> dict[str, list[Listed]]:
    folders: dict[str, list[Listed]] = {}
    for file in files:
        folders.setdefault(file.folder, []).append(file)
    return folders
