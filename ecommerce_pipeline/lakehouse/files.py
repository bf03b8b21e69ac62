"""The warehouse's files as its file system lists them, local folder or object store alike."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from pyarrow.fs import FileSelector, FileSystem, FileType
from pyiceberg.io.pyarrow import PyArrowFileIO

from ecommerce_pipeline.lakehouse.catalog import catalog_properties
from ecommerce_pipeline.settings import Settings


class StoredFile(NamedTuple):
    """A file: its path as the file system says it, its size, when it was last written (UTC)."""

    path: str
    bytes: int
    written_at: datetime


def list_files(settings: Settings) -> list[StoredFile]:
    """Every file under the warehouse."""
    system, root = warehouse(settings)
    found = system.get_file_info(FileSelector(root, recursive=True, allow_not_found=True))
    return [StoredFile(f.path, f.size, f.mtime) for f in found if f.type == FileType.File]


def delete_files(settings: Settings, paths: Iterable[str]) -> None:
    """Delete files for good; one that is gone already is as it should be."""
    system, _root = warehouse(settings)
    for path in paths:
        with suppress(FileNotFoundError):
            system.delete_file(path)


def path_of(location: str) -> str:
    """A location as the file system says it, so that `file:///a` and `/a` are one."""
    _scheme, _netloc, path = PyArrowFileIO.parse_location(location)
    return path


def warehouse(settings: Settings) -> tuple[FileSystem, str]:
    """The file system that holds the warehouse, and the warehouse's path in it; a file that is written there makes
    the folders it needs.
    """
    scheme, netloc, path = PyArrowFileIO.parse_location(settings.warehouse)
    return PyArrowFileIO(catalog_properties(settings)).fs_by_scheme(scheme, netloc), path
