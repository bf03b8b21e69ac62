"""`dashboards`: Superset on the marts; start it, and hold it to what is in git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from ecommerce_pipeline.dashboards.contract import Contract
    from ecommerce_pipeline.dashboards.files import Assets
    from ecommerce_pipeline.settings import Settings

app = typer.Typer(help="Superset on the marts: start it, and hold it to what is in git.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="a dashboard, as its file is called: executive_sales")]


@app.command()
def up() -> None:
    """Install and start Superset on this machine, and give it what is in git; safe to repeat."""
    from ecommerce_pipeline.cli import stack_servers

    settings = console.settings()
    if settings.profile == "stack":
        settings = stack_servers.start(settings)
    start(settings)


def start(settings: Settings) -> None:
    """Superset up and equal to git, on the servers that it needs; says where it is and how to sign in."""
    from ecommerce_pipeline.cli import dashboard_server
    from ecommerce_pipeline.dashboards import facts, server

    settings = dashboard_server.start(settings)
    _sync(settings)
    console.say(
        f"[green]Superset is up:[/green] {server.address(settings)}\n"
        f"sign in as {facts.ADMINISTRATOR}; the password is SHOPSPHERE_SUPERSET_PASSWORD in {settings.env_file}"
    )


@app.command()
def validate(fix: Annotated[bool, typer.Option(help="write the files as `export` would")] = False) -> None:
    """Hold the files in git against dbt's models, without a server: exit code 1 if they do not fit."""
    from ecommerce_pipeline.dashboards import access, files, reports, validation

    settings = console.settings()
    assets, contract = _assets(settings), _contract(settings)
    if fix:
        for file in assets.files:
            file.path.write_text(files.dump(file.body), "utf-8")
        assets = _assets(settings)
    problems = validation.problems(assets, contract)
    if problems:
        console.fail("\n".join([*problems, f"{len(problems)} problems"]), console.FAILED)
    access.read(settings, assets)  # each raises what is wrong in its file
    reports.read(settings, assets, contract)
    counts = ", ".join(f"{len(assets.of(kind))} {kind}" for kind in files.KINDS)
    console.say(f"[green]{counts}: all fit the models[/green]")


@app.command()
def sync(plan: Annotated[bool, typer.Option("--plan", help="only say what would be done")] = False) -> None:
    """Make what git manages on the server equal to git; what analysts made is not touched."""
    _sync(console.settings(), plan=plan)


@app.command()
def export(dashboard: Name) -> None:
    """Bring what was changed on a dashboard in the UI back into the files, as the smallest change."""
    from ecommerce_pipeline.dashboards import files
    from ecommerce_pipeline.dashboards.client import Client
    from ecommerce_pipeline.dashboards.export import Exporter

    settings = console.settings()
    written = Exporter(files.folder(settings), _assets(settings), Client.of(settings).exported(), dashboard).write()
    for path in written:
        console.say(f"  {path}")
    console.say(f"{len(written)} files changed. Next: `git diff`, `shopsphere dashboards validate`" if written else
                "git has all of it already")  # fmt: skip


@app.command()
def impact(model: Annotated[str, typer.Argument(help="a model: fct_orders, or core.fct_orders")]) -> None:
    """The charts that a change to a model reaches, with the columns and metrics they ask for."""
    from ecommerce_pipeline.dashboards import impact as impacts
    from ecommerce_pipeline.transformation import project

    settings = console.settings()
    found = impacts.of(model, project.manifest(settings), _assets(settings), _contract(settings))
    table = console.plain_table("dashboard", "chart", "through", "columns", "metrics")
    for reached in found:
        table.add_row(
            reached.dashboard, reached.chart, reached.table, ", ".join(reached.columns), ", ".join(reached.metrics)
        )
    console.print_table(table)
    boards = len({reached.dashboard for reached in found})
    console.say(f"{len(found)} charts on {boards} dashboards" if found else "no dashboard reads it")


def _sync(settings: Settings, *, plan: bool = False) -> None:
    from ecommerce_pipeline.dashboards import keeping

    told: list[str] = []
    with console.console().status("comparing the server with git") as status:

        def tell(line: str) -> None:
            told.append(line)
            console.say(f"  {line}")
            status.update(f"{len(told)} steps, those on charts and dashboards in one transaction")

        keeping.sync(settings, _contract(settings), only_plan=plan, tell=tell)
    done = "to do" if plan else "done"
    console.say(f"{len(told)} steps {done}" if told else "the server has what git has: nothing to do")


def _contract(settings: Settings) -> Contract:
    from ecommerce_pipeline.dashboards import contract
    from ecommerce_pipeline.transformation import project

    return contract.read(project.manifest(settings))


def _assets(settings: Settings) -> Assets:
    from ecommerce_pipeline.dashboards import files

    return files.read(files.folder(settings))
