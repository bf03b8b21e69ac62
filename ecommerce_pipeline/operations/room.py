"""What room is left for the lake: the authority on where to look. Sizes in bytes."""

from __future__ import annotations

from pathlib import Path

import psutil

from ecommerce_pipeline.settings import Settings


def place(settings: Settings) -> Path:
    """The home folder, or the nearest one above it that exists already."""
    return next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())


def disk(settings: Settings) -> int:
    """Free where the lake stands."""
    return int(psutil.disk_usage(str(place(settings))).free)


def memory() -> int:
    """Available on this machine."""
    return int(psutil.virtual_memory().available)
