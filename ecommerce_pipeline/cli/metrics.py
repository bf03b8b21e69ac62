"""`metrics`: the figures for Prometheus, once or served."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(metrics)


def metrics(
    out: Annotated[
        Path | None, typer.Option(help="write them to this file, at once, for the textfile collector")
    ] = None,
    serve: Annotated[int | None, typer.Option(help="serve them on this port of 127.0.0.1 until Ctrl-C")] = None,
) -> None:
    """Print rows, durations, lag, bytes, memory, quarantine and incidents in Prometheus' text format."""
    from ecommerce_pipeline.operations import metrics as figures

    settings = console.settings()
    if serve is not None:
        from prometheus_client import start_http_server

        start_http_server(serve, addr="127.0.0.1", registry=figures.registry(settings))
        console.say(f"metrics at http://127.0.0.1:{serve}/metrics; Ctrl-C stops it")
        while True:
            time.sleep(3600)
    elif out is not None:
        figures.write(settings, out)
    else:
        typer.echo(figures.text(settings), nl=False)
