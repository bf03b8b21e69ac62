"""The settings file `.env`: how commands write into it without disturbing what else a person keeps there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def write(path: Path, values: Mapping[str, str]) -> None:
    """Set these keys, keep every other line as it is; the file is 0600 from its first byte and replaced as a whole."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.split("=", 1)[0].strip() not in values]
    content = "\n".join([*kept, *(f"{key}={_quoted(value)}" for key, value in values.items())]) + "\n"
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write(content)
    partial.replace(path)


def _quoted(value: str) -> str:
    """As it is where that is plain, else in single quotes, in which nothing is expanded."""
    if value and not set(value) & set(" '\"#$\\`\n"):
        return value
    return "'" + value.replace("'", "\\'") + "'"
