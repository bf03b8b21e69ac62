"""`docs`: the data dictionary, written from the models' own YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(docs)


def docs(
    out: Annotated[Path | None, typer.Option(help="the file to write")] = None,
) -> None:
    """Write docs/data-dictionary.md: every table's grain and owner, every column's type, class and origin."""
    from ecommerce_pipeline.transformation import data_dictionary, project

    settings = console.settings()
    path = out or settings.root / "docs" / "data-dictionary.md"
    path.write_text(data_dictionary.render(project.manifest(settings)), encoding="utf-8")
    console.say(f"written: {path}")
