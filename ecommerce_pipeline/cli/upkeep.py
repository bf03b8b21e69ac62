"""`upkeep`: what housekeeping would do to the lake, and doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from ecommerce_pipeline.operations.upkeep import Upkeep


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(upkeep)


def upkeep(
    apply: Annotated[bool, typer.Option("--apply", help="do it; without, only the plan is shown")] = False,
) -> None:
    """Old branches, small files, snapshots and runs, files that nothing reaches: the plan, or with --apply the work."""
    from ecommerce_pipeline.operations import upkeep as housekeeping
    from ecommerce_pipeline.transformation import project, table_policies

    settings = console.settings()
    policies = table_policies.policies(project.manifest(settings))
    done = housekeeping.run(settings, policies, console.say) if apply else housekeeping.plan(settings, policies)
    _show(done)
    for line in done.lines():
        console.say(line if apply else f"plan: {line}")
    if not apply:
        console.say("Next: `shopsphere upkeep --apply`")


def _show(done: Upkeep) -> None:
    compacted = {one.name: one for one in done.compacted}
    expired = {one.name: one for one in done.expired}
    if not (compacted or expired):
        return
    table = console.plain_table(
        "table",
        "small files",
        "become",
        "snapshots go",
        "stay",
        right=("small files", "become", "snapshots go", "stay"),
    )
    for name in sorted(compacted.keys() | expired.keys()):
        small, old = compacted.get(name), expired.get(name)
        files = (f"{small.before:,}", f"{small.after:,}") if small else ("", "")
        snapshots = (f"{old.dropped:,}", f"{old.kept:,}") if old else ("", "")
        table.add_row(str(name), *files, *snapshots)
    console.print_table(table)
