"""`stack up|down|status|logs|restart`: the servers of the `stack` profile."""

from __future__ import annotations

from typing import Annotated

import typer

from ecommerce_pipeline.cli import console, stack_servers

app = typer.Typer(no_args_is_help=True, help="The stack's servers: MinIO, PostgreSQL, MariaDB, Trino, Superset.")
Service = Annotated[str, typer.Argument(help="a name that `stack status` shows")]

READY = """
Trino    https://{host}:{trino}  users pipeline, analyst, admin, superset; passwords in {env}
MinIO    {store}

Try next:
  .venv/bin/shopsphere query "show schemas"
  .venv/bin/shopsphere demo
"""


@app.command()
def up(
    workers: Annotated[int | None, typer.Option(min=0, max=7, help="Trino workers")] = None,
    dashboards: Annotated[bool, typer.Option(help="Superset too")] = True,
) -> None:
    """Choose the profile `stack`, for good, and start its servers; what is missing is fetched once."""
    from ecommerce_pipeline.cli import dashboards as superset
    from ecommerce_pipeline.env_file import keep
    from ecommerce_pipeline.settings import get_settings

    chosen = {"SHOPSPHERE_PROFILE": "stack"}
    if workers is not None:
        chosen["SHOPSPHERE_TRINO_WORKERS"] = str(workers)
    keep(get_settings().env_file, chosen)
    get_settings.cache_clear()
    settings = console.settings()
    if settings.profile != "stack":
        console.fail("SHOPSPHERE_PROFILE in the environment goes before .env. Next: unset it", console.MISUSED)
    settings = stack_servers.start(settings)
    if dashboards:
        superset.start(settings)
    values = {"host": settings.trino_host, "trino": settings.trino_port, "store": settings.object_store}
    console.say(READY.format(**values, env=settings.env_file))


@app.command()
def down() -> None:
    """Stop the servers and everything else that was started; data stays."""
    from ecommerce_pipeline.operations import stack

    stack.stop(console.settings())
    console.say("stopped")


@app.command()
def status() -> None:
    """Every service: whether it runs, for how long, and what it holds in memory; exit code 1 if one has failed."""
    from ecommerce_pipeline.operations import stack

    table = console.plain_table("service", "state", "up", "memory", right=("up", "memory"))
    found = stack.states(console.settings())
    for service in found:
        memory = console.human_bytes(service.memory) if service.memory else ""
        table.add_row(service.name, service.state, f"{service.seconds_up} s" if service.seconds_up else "", memory)
    console.print_table(table)
    if not found:
        console.fail("nothing runs. Next: `make up`", console.FAILED)
    raise typer.Exit(0 if all(service.is_well for service in found) else console.FAILED)


@app.command()
def logs(
    service: Service,
    lines: Annotated[int, typer.Option("-n", min=1, help="how many of the last lines")] = 50,
    follow: Annotated[bool, typer.Option("-f", help="go on as it grows; Ctrl-C ends")] = False,
) -> None:
    """The last lines of a service's log."""
    import subprocess

    from ecommerce_pipeline.operations import stack

    subprocess.run(stack.log_command(console.settings(), service, lines, follow=follow), check=False)


@app.command()
def restart(service: Service) -> None:
    """End a service and start it with the settings and secrets as they are now."""
    from ecommerce_pipeline.cli import dashboard_server
    from ecommerce_pipeline.operations import stack

    settings = console.settings()
    with console.told(f"restarting {service}", stack_servers.LOG_NAME):
        if not dashboard_server.restart(settings, service):
            stack.restart(settings, service)
    console.say(f"{service} is ready")
