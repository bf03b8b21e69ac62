"""`dev`, `down`, `reset`: the Dagster UI on this lake, the end of whatever was started, and the way back to nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Annotated

import typer

from ecommerce_pipeline.cli import console


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(dev)
    app.command()(down)
    app.command()(reset)


def dev(port: Annotated[int, typer.Option(help="port of the UI, on this machine only")] = 3000) -> None:
    """Open the Dagster UI on the lake's graph and runs; Ctrl-C stops it."""
    from ecommerce_pipeline.operations import instance

    settings = console.settings()
    home = instance.prepare(settings)
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(settings.root / "workspace.yaml")]
    console.say(f"the UI comes up at http://127.0.0.1:{port} within a minute; Ctrl-C stops it")
    # a shell that starts us in the background ignores SIGINT, and a child would inherit that and never stop
    signal.signal(signal.SIGINT, signal.default_int_handler)
    served = subprocess.Popen(
        [*command, "-h", "127.0.0.1", "-p", str(port)],
        cwd=settings.root,
        env={**os.environ, "DAGSTER_HOME": str(home), "SHOPSPHERE_HOME": str(settings.home)},
        start_new_session=True,  # the terminal's Ctrl-C comes to us; we pass it on once
    )
    raise typer.Exit(_wait(served))


def _wait(served: subprocess.Popen[bytes]) -> int:
    """Until it ends; SIGINT and SIGTERM to us become one SIGINT to it, which it answers by stopping its children."""

    def stop(_number: int, _frame: object) -> None:
        served.send_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    code = served.wait()
    return 0 if code in (0, -signal.SIGINT) else console.FAILED


def down() -> None:
    """Stop everything that was started; data stays."""
    from ecommerce_pipeline.operations import stack

    stack.stop(console.settings())
    console.say("stopped")


def reset(yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Delete the lake, its runs and the demo's sources; the code, .env and your own sources stay."""
    from ecommerce_pipeline.operations import cleaning, stack

    settings = console.settings()
    there = [*map(str, cleaning.generated(settings)), *(f"volume {name}" for name in stack.volumes(settings))]
    if not there:
        console.say("there is nothing to delete")
        return
    for one in there:
        console.say(f"  {one}")
    if not yes and not typer.confirm("Stop what runs and delete these?", err=True):
        raise typer.Exit(console.FAILED)
    cleaning.delete(settings)
    console.say("[green]gone.[/green] Next: `shopsphere demo`")
