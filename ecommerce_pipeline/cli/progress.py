"""A run as a person sees it while it happens: a line a table, a spinner with the step at work and what it said last."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from dagster import EventLogEntry
    from rich.console import Console
    from rich.status import Status

    from ecommerce_pipeline.operations.execution import Outcome


class Progress:
    """Listens to a run's events and shows them."""

    def __init__(self, out: Console, status: Status) -> None:
        self._out, self._status = out, status
        self._began = time.monotonic()
        self._step = "starting"

    def listen(self, entry: EventLogEntry) -> None:
        """One event of the run."""
        from dagster import DagsterEventType as Kind

        if entry.dagster_event is None:
            self._say(entry)
        elif entry.dagster_event_type == Kind.STEP_START:
            self._at_work(str(entry.step_key))
        elif entry.dagster_event_type == Kind.ASSET_MATERIALIZATION:
            self._materialised(entry.asset_materialization)
        elif entry.dagster_event_type == Kind.ASSET_CHECK_EVALUATION:
            self._checked(entry.asset_check_evaluation)
        elif entry.dagster_event_type == Kind.STEP_UP_FOR_RETRY:
            self._out.print(f"[yellow]↻ {entry.step_key} failed and is tried again[/yellow]")

    def note(self, text: str) -> None:
        """What is being done now, outside any run."""
        self._at_work(text)

    def _say(self, entry: EventLogEntry) -> None:
        from rich.markup import escape

        message = escape(entry.user_message.strip())
        if int(entry.level) == logging.WARNING and entry.step_key:  # an error is said once, by the summary
            self._out.print(f"[yellow]{message}[/yellow]")
        elif entry.step_key:
            self._show(f"{self._step}: {message.splitlines()[0][:100]}" if message else self._step)

    def _at_work(self, step: str) -> None:
        self._step = step
        self._show(step)
        if not self._out.is_terminal:  # a spinner says nothing in a log file
            self._out.print(f"{time.monotonic() - self._began:6.1f} s  {step}")

    def _show(self, text: str) -> None:
        self._status.update(f"{time.monotonic() - self._began:.0f} s  {text}")

    def _materialised(self, made: Any) -> None:
        facts = {name: value.value for name, value in made.metadata.items()}
        rows = facts.get("dagster/row_count")
        told = [
            f"{rows:,} rows" if rows is not None else "",
            f"{facts['seconds']:.1f} s" if "seconds" in facts else "",
            f"as_of {made.partition}" if made.partition else "",
        ]
        self._out.print(
            f"[green]✓[/green] {'.'.join(made.asset_key.path):<40} [dim]{'  '.join(filter(None, told))}[/dim]"
        )

    def _checked(self, check: Any) -> None:
        if not check.passed:
            failed = check.severity.value == "ERROR"
            mark = "[red]✗[/red]" if failed else "[yellow]![/yellow]"
            broken = check.metadata.get("broken_rules")
            rules = ", ".join(f"{rule} {rows:,}" for rule, rows in broken.value.items()) if broken else ""
            self._out.print(f"{mark} {'.'.join(check.asset_key.path)}: {check.check_name} [dim]{rules}[/dim]")


@contextmanager
def shown(out: Console) -> Iterator[Progress]:
    """Progress on the console until the block ends."""
    with out.status("loading the graph") as status:
        yield Progress(out, status)


def summarise(outcome: Outcome) -> None:
    """The last word on a run, with what failed and what to do."""
    from rich.markup import escape

    if outcome.succeeded:
        console.say(f"[green]run {outcome.run_id[:8]}: {len(outcome.materialised)} assets are up to date[/green]")
        return
    for failure in outcome.failures:
        console.say(f"[red]{escape(failure)}[/red]")
    look = "`shopsphere doctor` looks at sources and settings, `shopsphere dev` shows the log"
    console.say(f"[red]run {outcome.run_id[:8]} failed.[/red] Next: {look}")
