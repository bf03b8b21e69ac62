"""How the commands speak: messages and progress on stderr, and the settings, announced with the profile they act on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ecommerce_pipeline.settings import Settings

FAILED, MISUSED, UNFIT = 1, 2, 3


def console() -> Console:
    """The console on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """A message for the person, on stderr."""
    console().print(message)


def fail(message: str, code: int) -> NoReturn:
    """Say why, and leave with the code."""
    from rich.markup import escape

    say(f"[red]{escape(message)}[/red]")
    raise typer.Exit(code)


@contextmanager
def told(what: str, log_name: str) -> Iterator[None]:
    """What is being done, in the words of that log, while it is done; line by line where there is no terminal."""
    import logging

    class Teller(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words = record.getMessage()
            status.update(words)
            if record.levelno >= logging.WARNING or not out.is_terminal:
                out.print(words)

    out, teller, log = console(), Teller(), logging.getLogger(log_name)
    log.setLevel(logging.INFO)
    log.addHandler(teller)
    with out.status(what) as status:
        try:
            yield
        finally:
            log.removeHandler(teller)


def settings() -> Settings:
    """The settings; says on stderr which profile and which folder the command acts on."""
    from ecommerce_pipeline.operations.configuration import configured

    found = configured()
    say(f"[dim]profile {found.profile} · {found.home}[/dim]")
    return found


def print_table(table: Table) -> None:
    """A table of data, on stdout; as wide as it needs when stdout is not a terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 250
    Console(highlight=False, width=width).print(table)


def plain_table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """A table without a frame; columns in `right` hold numbers."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def human_bytes(count: float) -> str:
    """1536 → 1.5 KB."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TB"
