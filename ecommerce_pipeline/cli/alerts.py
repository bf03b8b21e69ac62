"""`alerts check|list|digest|test`: what is wrong, who was told, and whether telling works."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from ecommerce_pipeline.operations.alerts.watch import Look
    from ecommerce_pipeline.settings import Settings

app = typer.Typer(help="What is wrong, and who is told.", no_args_is_help=True)


@app.command()
def check() -> None:
    """Look now: tell of what went wrong and of what is well again; exit code 1 if somebody could not be told."""
    found = look(console.settings())
    for notice in (*found.opened, *found.recovered):
        typer.echo(notice.text + "\n")
    console.say(f"{len(found.opened)} opened, {len(found.recovered)} recovered, {found.told} messages told")
    _leave(found.failures)


@app.command("list")
def list_(days: Annotated[float, typer.Option(min=0, help="closed ones of so many days too")] = 1.0) -> None:
    """What is open, what is over since yesterday, and what could not be told."""
    from ecommerce_pipeline.operations import outbox
    from ecommerce_pipeline.operations.alerts import store

    settings = console.settings()
    with store.opened(settings) as connection:
        incidents = store.since(connection, datetime.now(UTC) - timedelta(days=days))
        undelivered = outbox.undelivered(connection)
    table = console.plain_table("incident", "since (UTC)", "until (UTC)", "what", "owner", "runbook")
    for notice, closed in incidents:
        until = f"{closed:%Y-%m-%dT%H:%M:%SZ}" if closed else "open"
        owners = ", ".join(notice.owners)
        table.add_row(notice.incident, notice.since, until, notice.what, owners, notice.runbook)
    if incidents:
        console.print_table(table)
    else:
        console.say("nothing is open, and nothing was")
    for delivery in undelivered:
        _say(f"{delivery.channel}: {delivery.state}, {delivery.tries} tries: {delivery.error}")


@app.command()
def digest() -> None:
    """Send the digest of the last 24 hours now, and show it."""
    from ecommerce_pipeline.lakehouse import lease
    from ecommerce_pipeline.operations import instance
    from ecommerce_pipeline.operations.alerts import digest as digests
    from ecommerce_pipeline.operations.alerts import store, watch

    settings, now = console.settings(), datetime.now(UTC)
    with (
        lease.hold(settings, ["alerts"], "the digest", wait_seconds=watch.WAIT_SECONDS),
        instance.open_instance(settings) as opened,
    ):
        with store.opened(settings) as connection:
            notice = digests.enqueue(connection, settings, opened, now)
        typer.echo(notice.text)
        _leave(watch.tell(settings, now)[1])


@app.command()
def test() -> None:
    """Send a test message to every address of the settings; exit code 1 if one did not take it."""
    from ecommerce_pipeline.operations import outbox
    from ecommerce_pipeline.operations.alerts import channels
    from ecommerce_pipeline.operations.alerts.notice import Notice

    settings = console.settings()
    notice = Notice("test", "test", "test", "this is a test of the alerts", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    addresses, failures = channels.everybody(settings), list[str]()
    if not addresses:
        console.fail("nobody is told: SHOPSPHERE_ALERTS_TO is empty. Next: name an address in .env", console.MISUSED)
    for channel in addresses:
        try:
            channel.send(settings, notice, 0)
            _say(f"{channel.name}: sent")
        except (outbox.Unreachable, outbox.Refused) as error:
            failures.append(f"{channel.name}: {error}")
    _leave(failures)


def look(settings: Settings) -> Look:
    """One look, on this machine's own graph."""
    from ecommerce_pipeline import definitions
    from ecommerce_pipeline.operations import instance
    from ecommerce_pipeline.operations.alerts import watch

    with instance.open_instance(settings) as opened:
        return watch.look(settings, opened, definitions.defs.resolve_asset_graph(), datetime.now(UTC))


def after_a_run(settings: Settings) -> None:
    """A look, where somebody is to be told; whatever goes wrong with it does not change how the run ended."""
    if not (settings.alerts_to.get_secret_value() or settings.alerts_routes.get_secret_value()):
        return
    try:
        failures = look(settings).failures
    except Exception as error:
        failures = (" ".join(str(error).split("\n")[0].split()),)
    for failure in failures:
        _say(f"not told yet: {failure}; the next look tells again")


def _leave(failures: Iterable[str]) -> None:
    """Say what could not be told, and leave with 1 if anything could not."""
    lines = list(failures)
    for line in lines:
        _say(line)
    if lines:
        raise typer.Exit(console.FAILED)


def _say(line: str) -> None:
    from rich.markup import escape

    console.say(escape(line))
