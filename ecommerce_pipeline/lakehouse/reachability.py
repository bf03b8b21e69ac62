"""Which files a metadata file reaches: the authority on what the sweep may never touch.

A metadata file reaches itself, the earlier ones in its log, its statistics, and of every snapshot it holds the manifest
list, the manifests and the data and delete files they name.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyiceberg.io import FileIO, load_file_io
from pyiceberg.manifest import ManifestFile
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from ecommerce_pipeline.lakehouse import contents
from ecommerce_pipeline.lakehouse.files import path_of


class Reach:
    """Paths reached so far; what many snapshots share is read once."""

    def __init__(self, properties: dict[str, str]) -> None:
        self.paths: set[str] = set()
        self._properties = properties

    def add(self, location: str) -> None:
        """Follow one metadata file; raises FileNotFoundError if it, or what it needs, is not there."""
        metadata = contents.read_metadata(self._properties, location)
        io = load_file_io(self._properties, location)
        self._add_files([location, *_beside(metadata)])
        for snapshot in metadata.snapshots:
            self._add_snapshot(snapshot, io)

    def _add_snapshot(self, snapshot: Snapshot, io: FileIO) -> None:
        if path_of(snapshot.manifest_list) in self.paths:
            return
        for manifest in snapshot.manifests(io):
            self._add_manifest(manifest, io)
        self._add_files([snapshot.manifest_list])

    def _add_manifest(self, manifest: ManifestFile, io: FileIO) -> None:
        if path_of(manifest.manifest_path) not in self.paths:
            self._add_files(entry.data_file.file_path for entry in manifest.fetch_manifest_entry(io))
            self._add_files([manifest.manifest_path])

    def _add_files(self, locations: Iterable[str]) -> None:
        self.paths.update(path_of(location) for location in locations)


def _beside(metadata: TableMetadata) -> list[str]:
    statistics = [*metadata.statistics, *metadata.partition_statistics]
    return [entry.metadata_file for entry in metadata.metadata_log] + [file.statistics_path for file in statistics]
