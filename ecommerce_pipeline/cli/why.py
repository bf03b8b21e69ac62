"""`why`: what made an asset red, stale or slow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from ecommerce_pipeline.operations.why import Made, Time, Why

COLOURS = {"red": "red", "stale": "yellow", "never made": "yellow", "fresh": "green"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(why)


def why(asset: Annotated[str, typer.Argument(help="schema.table, such as finance.daily_revenue")]) -> None:
    """Say why an asset is as it is: last made, last failure, its checks, what it reads, its time, and what to do."""
    from ecommerce_pipeline import definitions
    from ecommerce_pipeline.operations import instance
    from ecommerce_pipeline.operations import selection as selections
    from ecommerce_pipeline.operations import why as reasons

    settings, now = console.settings(), datetime.now(UTC)
    try:
        keys = selections.resolve(definitions.defs, asset).keys
    except selections.UnknownSelectionError as error:
        console.fail(str(error), console.MISUSED)
    if len(keys) != 1:
        console.fail(f"{asset!r} is not one asset. Next: name one, such as finance.daily_revenue", console.MISUSED)
    [key] = keys
    with instance.open_instance(settings) as opened:
        found = reasons.why(settings, opened, definitions.defs.resolve_asset_graph(), key, now)
    _show(found, now)


def _show(found: Why, now: datetime) -> None:
    from rich.console import Console
    from rich.markup import escape

    out = Console(highlight=False, soft_wrap=True)
    out.print(f"[bold]{found.asset}[/bold] is [{COLOURS[found.state]}]{found.state}[/{COLOURS[found.state]}]")
    lines = [
        ("last made", _made(found.made, now)),
        *(("failed", f"{what}: {said}") for what, said in found.failures),
        *(("check", line) for line in found.broken_checks),
        *(("newer", f"{_made(one, now)}: not in it yet") for one in found.newer_upstream),
        *(("old", _made(one, now)) for one in found.old_upstream),
        ("time", _time(found.time)),
        ("next", found.next),
    ]
    for name, line in lines:
        if line:
            out.print(f"  {name:<10} {escape(line)}")


def _made(made: Made | None, now: datetime) -> str:
    if made is None:
        return "never"
    hours = (now - made.at).total_seconds() / 3600
    return f"{made.asset} at {made.at:%Y-%m-%d %H:%M:%S} UTC, {hours:.1f} h ago, by run {made.run_id[:8]}"


def _time(time: Time | None) -> str:
    if time is None:
        return ""
    share = f" of the run's {time.run_seconds:.1f} s" if time.run_seconds > 0 else ""
    trend = f", {time.trend:+.0%} over the last five runs" if time.trend is not None else ""
    slowest = ", ".join(f"{asset} {seconds:.1f} s" for asset, seconds in time.slowest)
    return f"{time.seconds:.1f} s{share}{trend}; slowest there: {slowest}"
