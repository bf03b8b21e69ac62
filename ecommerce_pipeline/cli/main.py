"""The entry point `shopsphere`: puts the command groups together and turns known errors into one message and an exit
code.

Data goes to stdout, everything else to stderr. Exit codes: 0 well, 1 a run or a check failed, 2 the command was
misused, 3 the machine or the lake is not fit. Whatever is slow to import is imported by the command that needs it, so
that `--help` answers at once.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import warnings
from pathlib import Path
from typing import NoReturn

import typer

from ecommerce_pipeline.cli import (
    alerts,
    backup,
    branches,
    catalog,
    contracts,
    dashboards,
    dictionary,
    doctor,
    metrics,
    past,
    quality_report,
    quarantine,
    reading,
    running,
    scorecard,
    server,
    stack,
    upkeep,
    why,
)

app = typer.Typer(
    name="shopsphere",
    help="A lakehouse on one machine: run it, read it, look after it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
running.register(app)
reading.register(app)
past.register(app)
scorecard.register(app)
why.register(app)
metrics.register(app)
upkeep.register(app)
app.add_typer(alerts.app, name="alerts")
app.add_typer(branches.app, name="branch")
catalog.register(app)
app.add_typer(contracts.app, name="contracts")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(quality_report.app, name="quality")
doctor.register(app)
server.register(app)
backup.register(app)
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(stack.app, name="stack")
dictionary.register(app)

if importlib.util.find_spec("shopsphere") is not None:
    # the demo company: delete its folder and its commands are gone, nothing else
    from ecommerce_pipeline.cli import demo

    demo.register(app)


def main() -> None:
    """Run the command line; leaves with an exit code."""
    warnings.simplefilter("ignore")  # of libraries, about themselves; ours are messages
    logging.getLogger().addFilter(_is_no_retry)
    try:
        app()
    except KeyboardInterrupt:
        _leave("interrupted; the same command again goes on from here", 130)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("ecommerce_pipeline"):
            raise
        _leave(f"the Python package {error.name!r} is not installed in {sys.prefix}. Next: `make setup`", 3)
    except Exception as error:
        if _is_known(error):
            _leave(str(error), 3)
        if said := _no_right(error) or _no_room(error) or _no_database(error):
            _leave(said, 3)
        raise


def _is_no_retry(record: logging.LogRecord) -> bool:
    """Dagster tells of each try to reach its database in a page of text; what comes of it is said once, by us."""
    return not str(record.msg).startswith("Retrying failed database connection")


def _is_known(error: Exception) -> bool:
    """An error whose message was written for a person."""
    from ecommerce_pipeline.cli.errors import known_errors

    return isinstance(error, known_errors())


def _no_room(error: Exception) -> str:
    """What to say when a full disk is behind the error, nothing when it is not."""
    from ecommerce_pipeline.cli.errors import is_full_disk
    from ecommerce_pipeline.settings import get_settings

    home = get_settings().home
    if not is_full_disk(error, home):
        return ""
    said = " ".join(str(error).partition("\n")[0].split())
    return (
        f"the disk is full: no room is left for {home} ({said}). Every table is as it was. "
        "Next: free space there, then type the same command again"
    )


def _no_right(error: Exception) -> str:
    """What to say when a place that this user may not write is behind the error, nothing when none is."""
    from ecommerce_pipeline.cli.errors import unwritable_place
    from ecommerce_pipeline.settings import get_settings

    home = get_settings().home
    place = unwritable_place(error, home)
    if not place:
        return ""
    said = " ".join(str(error).partition("\n")[0].split())
    elsewhere = "set SHOPSPHERE_HOME to a folder that is" if Path(place).is_relative_to(home) else "name one that is"
    return f"{place} cannot be written ({said}). Next: make it writable for this user, or {elsewhere}"


def _no_database(error: Exception) -> str:
    """What to say when a server of the lake has gone, nothing when none has."""
    from ecommerce_pipeline.cli.errors import lost_connection

    lost = lost_connection(error)
    if lost is None:
        return ""
    said = " ".join(str(lost).partition("\n")[0].split())
    return (
        f"the database of the lake or of its runs does not answer: {said}. Every table is as its last commit left it. "
        "Next: `shopsphere stack status` shows what is down and `make up` starts it; then type the same command again"
    )


def _leave(message: str, code: int) -> NoReturn:
    from rich.markup import escape

    from ecommerce_pipeline.cli.console import say

    say(f"[red]{escape(message)}[/red]")
    sys.exit(code)


if __name__ == "__main__":
    main()
