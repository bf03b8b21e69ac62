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
    """Replace `path` by `text` at once, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # a draft of one's own: the steps of a run are threads of one process, and write at the same time
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
