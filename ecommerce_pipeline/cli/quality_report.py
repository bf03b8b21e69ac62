"""`quality report`: the data-quality report as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console

app = typer.Typer(help="How good the data is.", no_args_is_help=True)


@app.callback()
def quality() -> None:
    """How good the data is."""


@app.command()
def report(
    out: Annotated[Path | None, typer.Option(help="the file to write; by default in the lake's own folder")] = None,
) -> None:
    """Write the data-quality report: trend, top rules, owners, a scorecard per table; one HTML file, no network."""
    from ecommerce_pipeline.quality import page, quarantine
    from ecommerce_pipeline.quality.report import read

    settings = console.settings()
    path = out or settings.home / "reports" / "data-quality.html"
    found = read(settings, quarantine.verdicts(settings))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page.render(found), encoding="utf-8")
    console.say(f"{found.rows_checked:,} records checked, {found.failed:,} breaches of a rule. Written: {path}")
