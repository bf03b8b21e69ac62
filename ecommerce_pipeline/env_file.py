"""`.env`: the authority on how values are kept between commands, without disturbing what a person wrote there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def keep(path: Path, values: Mapping[str, str]) -> None:
    """Put the values into the file (0600), leaving every other line as it is; the file is replaced at once."""
    kept = path.read_text("utf-8").splitlines() if path.exists() else []
    kept = [line for line in kept if line.split("=", 1)[0].strip() not in values]
    write_private(path, "\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` at once, readable by its owner only; on disk when it returns, whatever happens next."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # a draft of one's own: the steps of a run are threads of one process, and write at the same time
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # else a power cut may leave the new name on an empty file
        os.replace(draft, path)
        _settle(path.parent)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _settle(folder: Path) -> None:
    """The names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
