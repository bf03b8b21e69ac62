"""`quarantine list|show|fix|release|dismiss|sample`: what is held back, and what people decide about it."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from ecommerce_pipeline.quality.quarantine import Record

app = typer.Typer(help="Records held back: see, fix, release, dismiss, judge a sample.", no_args_is_help=True)
Table = Annotated[str, typer.Argument(help="system.table, such as shop.orders")]
Key = Annotated[str, typer.Argument(help="the record's key, as `quarantine list` shows it")]
Why = Annotated[str, typer.Option("--why", help="the reason, kept with the decision")]
By = Annotated[str, typer.Option("--by", help="who decides", default_factory=getpass.getuser, show_default="you")]
Rule = Annotated[str, typer.Option("--rule", help="only under this rule")]
NEXT_RUN = "Next: `shopsphere materialize daily_update` obeys"


@app.command("list")
def list_(
    table: Annotated[str, typer.Option(help="only of this table, such as shop.orders")] = "",
    rule: Rule = "",
    status: Annotated[str, typer.Option(help="open, fixed, released, dismissed, resolved; empty: all")] = "open",
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 50,
) -> None:
    """The records that are held back, the latest first."""
    from ecommerce_pipeline.quality import quarantine

    found = quarantine.find(console.settings(), table=table, rule=rule, status=status, limit=limit)
    shown = console.plain_table("table", "key", "rule", "severity", "customer", "USD", "on", "status", right=("USD",))
    for one in found:
        on, customer = str(one.recorded_on or ""), str(one.customer_id or "")
        row = (one.table, one.record_key, one.rule, one.severity, customer, f"{one.amount:,}", on, one.status)
        shown.add_row(*row)
    console.print_table(shown)
    if len(found) == limit:
        console.say(f"the latest {limit} are shown; --limit shows more")


@app.command()
def show(table: Table, key: Key) -> None:
    """One record as it came, the rules it breaks, and what was decided."""
    from ecommerce_pipeline.quality import quarantine

    settings = console.settings()
    _show(quarantine.one(settings, table, key))
    for past in quarantine.history(settings, table, key):
        values = f" {past.fix}" if past.fix else ""
        console.say(f"{past.decided_at:%Y-%m-%d %H:%M} UTC {past.decided_by}: {past.decision}{values} ({past.reason})")


@app.command()
def fix(
    table: Table,
    key: Key,
    why: Why,
    by: By,
    set_: Annotated[list[str], typer.Option("--set", help="FIELD=VALUE, as it truly is; may be given again")],
) -> None:
    """Say what fields truly are; the next run reads the record so, and lets it in if it then keeps the rules."""
    from ecommerce_pipeline.quality import quarantine

    settings = console.settings()
    pairs = dict(_pair(text) for text in set_)
    for record in quarantine.undecided(quarantine.one(settings, table, key)):
        values = quarantine.fix(settings, record, pairs, by, why)
    said = ", ".join(f"{name} = {value}" for name, value in values.items())
    console.say(f"{table} {key} will be read with {said}. {NEXT_RUN}")


@app.command()
def release(table: Table, key: Key, why: Why, by: By, rule: Rule = "") -> None:
    """Let the record in as it is: the rule was wrong about it."""
    from ecommerce_pipeline.quality import quarantine

    settings = console.settings()
    quarantine.release(settings, quarantine.undecided(quarantine.one(settings, table, key, rule)), by, why)
    console.say(f"{table} {key} will be let in. {NEXT_RUN}")


@app.command()
def dismiss(table: Table, key: Key, why: Why, by: By, rule: Rule = "") -> None:
    """Set the record aside for good; it stays in the quarantine's table, counted as dismissed."""
    from ecommerce_pipeline.quality import quarantine

    settings = console.settings()
    quarantine.dismiss(settings, quarantine.undecided(quarantine.one(settings, table, key, rule)), by, why)
    console.say(f"{table} {key} is dismissed. {NEXT_RUN}")


@app.command()
def sample(
    number: Annotated[int, typer.Argument(min=1, help="how many records to judge")],
    by: By,
    table: Annotated[str, typer.Option(help="only of this table, such as shop.orders")] = "",
    rule: Rule = "",
) -> None:
    """Judge open records at random, one by one: was the rule right? What you say is kept, and counted by rule."""
    from ecommerce_pipeline.quality import quarantine

    settings = console.settings()
    found = quarantine.find(settings, table=table, rule=rule, status="open", limit=number, at_random=True)
    for record in found:
        _show([record])
        said = typer.prompt("Is this record wrong? [y]es, [n]o, [s]kip", err=True).strip().lower()[:1]
        if said in ("y", "n"):
            quarantine.judge(settings, record, is_wrong=said == "y", by=by)
    shown = console.plain_table("rule", "judged", "wrong indeed", "share", right=("judged", "wrong indeed", "share"))
    for name, judged, right in quarantine.verdicts(settings):
        shown.add_row(name, str(judged), str(right), f"{right / judged:.0%}")
    console.print_table(shown)


def _show(records: Iterable[Record]) -> None:
    for record in records:
        console.say(f"[bold]{record.table} {record.record_key}[/bold] {record.status}, since {record.recorded_on}")
        console.say(f"breaks {record.rule} ({record.dimension}, {record.severity}): {record.reason}")
    shown = console.plain_table("field", "as it came")
    for name, value in record.fields.items():
        shown.add_row(name, "[dim]null[/dim]" if value is None else _plain(value))
    console.print_table(shown)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        console.fail(f"--set {text}: not FIELD=VALUE. Next: such as --set customer_id=17", console.MISUSED)
    return name.strip(), value
