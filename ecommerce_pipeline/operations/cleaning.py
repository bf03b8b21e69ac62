"""The way back to nothing: which folders were generated, and how they are deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

from ecommerce_pipeline.operations import stack
from ecommerce_pipeline.settings import Settings

GENERATED = ("lake", "dagster", "dbt", "meltano", "sources", "superset", "run", "stack", "stage", "log")


def generated(settings: Settings) -> list[Path]:
    """What exists of the folders that commands generate; a file somebody else put into the home is not among them."""
    return [settings.home / name for name in GENERATED if (settings.home / name).exists()]


def delete(settings: Settings) -> None:
    """Stop the services, then delete, the containers' volumes too. A catalog or warehouse that stands elsewhere by the
    settings is left alone. Raises ServiceError, with every folder still there, if containers cannot be deleted.
    """
    stack.erase(settings)
    for path in generated(settings):
        shutil.rmtree(path)
