"""`.env`: the authority on how values are kept between commands, without disturbing what a person wrote there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path


def keep(path: Path, values: Mapping[str, str]) -> None:
    """Put the values into the file (0600), leaving every other line as it is; the file is replaced at once."""
    kept = _without(path, values)
    write_private(path, "\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n")


def drop(path: Path, names: Collection[str]) -> None:
    """Take the lines of these names out, leaving every other as it is."""
    if path.exists() and (kept := _without(path, names)) != path.read_text("utf-8").splitlines():
        write_private(path, "".join(f"{line}\n" for line in kept))


def _without(path: Path, names: Collection[str]) -> list[str]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [line for line in lines if line.split("=", 1)[0].strip() not in names]


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
