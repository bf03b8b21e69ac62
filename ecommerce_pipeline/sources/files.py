"""Folders of files: how many, how large, which one is the newest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ecommerce_pipeline.sources.observation import Observation, SourceError


def kind(declared: Mapping[str, Any]) -> str:
    """`json` or `csv`, as declared."""
    return "csv" if declared["format"] == "csv" else "json"


def observe(folder: str, declared: Mapping[str, Any]) -> Observation:
    """The files of one declared stream; raises SourceError when the folder is not there."""
    root = Path(folder)
    if not root.is_dir():
        raise SourceError(
            f"there is no folder {folder or '(no path is set)'}. Next: check the path in .env, or mount the disk"
        )
    found = sorted(
        (path.relative_to(root).as_posix(), path.stat()) for path in root.glob(declared["files"]) if path.is_file()
    )
    listed = "\n".join(f"{name} {status.st_size}" for name, status in found)
    metadata: dict[str, Any] = {"files": len(found), "bytes": sum(status.st_size for _, status in found)}
    if found:
        written = max(status.st_mtime for _, status in found)
        metadata["newest file"] = found[-1][0]
        metadata["last written"] = datetime.fromtimestamp(written, UTC).isoformat(timespec="seconds")
    return Observation(hashlib.sha256(listed.encode()).hexdigest()[:16], metadata)
