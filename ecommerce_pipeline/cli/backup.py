"""`backup` and `restore`: the lake's pointers and files, kept in a folder elsewhere and put back from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console, days

LOG_NAME = "ecommerce_pipeline.operations.backup"
Folder = Annotated[Path, typer.Argument(file_okay=False, help="where backups stand; on another disk than the lake")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(folder: Folder) -> None:
    """Copy every table of production with its history; what a run writes meanwhile belongs to the next backup."""
    from ecommerce_pipeline.operations import backup as backups

    settings = console.settings()
    with console.told("backing the lake up", LOG_NAME):
        taken = backups.take(settings, folder.resolve())
    manifest = taken.manifest
    console.say(
        f"[green]backup {manifest.name}: {len(manifest.tables)} tables, {len(manifest.files):,} files, "
        f"{console.human_bytes(manifest.bytes)}[/green]; new: {taken.new_files:,} files, "
        f"{console.human_bytes(taken.new_bytes)}. They are not encrypted"
    )


def restore(
    folder: Folder,
    name: Annotated[str | None, typer.Option("--from", help="which backup; the latest if not given")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="over the tables that are there")] = False,
) -> None:
    """Put a backup's tables back and count them; refused into a lake that is not empty, unless told to replace it."""
    from ecommerce_pipeline.operations import backup as backups

    settings = console.settings()
    with console.told("restoring", LOG_NAME):
        restored = backups.restore(settings, folder.resolve(), name, replace=replace)
    tables = restored.manifest.tables
    console.say(
        f"[green]backup {restored.manifest.name} is the lake: {len(tables)} tables, "
        f"{sum(table.rows for table in tables):,} rows, counted; {restored.written:,} files written[/green]. "
        f"Next: {days.to_build_again(settings)}"
    )
