"""`demo`, `up`, `simulate`: ShopSphere, the demo company, and the way from nothing to its marts.

The only file of the pipeline that knows `shopsphere/`; a team that deletes that folder loses these commands and
nothing else. Every step finds out what is already done, so the same command goes on after an interruption.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ecommerce_pipeline.cli import console, stack_servers

if TYPE_CHECKING:
    from ecommerce_pipeline.settings import Settings

LOG_NAME = "shopsphere"
DEMO_DAY = datetime(2017, 12, 15)  # noqa: DTZ001 (Typer parses days as naive datetimes)
Scale = Annotated[
    float, typer.Option(envvar="SHOPSPHERE_SCALE", help="1 is the real data, 0.02 a fiftieth of the households")
]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]

NEXT = """
Tables: {tables} in {warehouse}

Try next:
  {run} query "select * from executive.sales_kpis order by kpi"
  {run} simulate --days 1 && {run} materialize daily_update
  make dev      the graph in the Dagster UI, http://127.0.0.1:3000
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (demo, up, simulate):
        app.command()(command)


def demo(scale: Scale = 1.0, until: Day = DEMO_DAY) -> None:
    """From nothing to the marts: start ShopSphere, let its year pass until a day, load and build everything."""
    from ecommerce_pipeline.cli.running import materialize
    from shopsphere import company, databases

    settings = _up(console.settings())
    with console.told("ShopSphere opens its shop", LOG_NAME):
        where = databases.of(settings)
        company.seed(databases.home(settings), scale, (until or DEMO_DAY).date(), databases=where)
    materialize("daily_update")
    _headlines(settings)


def up() -> None:
    """Start ShopSphere's databases and API (on the stack: its servers first), and write their addresses into .env."""
    _up(console.settings())


def simulate(
    days: Annotated[int | None, typer.Option(min=1, help="how many days pass")] = None,
    until: Day = None,
    faults: Annotated[float, typer.Option(min=0, max=1, help="share of faulty records")] = 0.0,
) -> None:
    """Let days pass in ShopSphere: orders, changes, events arrive in its systems. Default: one day."""
    from shopsphere import company, databases

    if days is not None and until is not None:
        console.fail("--days or --until, not both", console.MISUSED)
    settings = _up(console.settings())
    with console.told("days pass in ShopSphere", LOG_NAME):
        goal, where = until.date() if until else None, databases.of(settings)
        clock = company.simulate(databases.home(settings), days, goal, faults, databases=where)
    console.say(f"ShopSphere stands at the end of {clock.day}. Next: `shopsphere materialize daily_update`")


def _up(settings: Settings) -> Settings:
    """Services running, addresses in .env; returns the settings that hold them."""
    from ecommerce_pipeline.environment import keep_shell_environment
    from ecommerce_pipeline.operations import services
    from ecommerce_pipeline.settings import get_settings
    from shopsphere import company, databases
    from shopsphere.services import programs

    if settings.profile == "stack":
        settings = stack_servers.start(settings)
    home, where = databases.home(settings), databases.of(settings)
    with console.told("starting ShopSphere's databases and API", LOG_NAME):
        services.start(settings, programs(home, own_databases=where.need_own_server))
    company.write_connection_settings(home, settings.env_file, where)
    get_settings.cache_clear()
    found = get_settings()
    keep_shell_environment(found)
    return found


def _headlines(settings: Settings) -> None:
    from ecommerce_pipeline.lakehouse import reader
    from ecommerce_pipeline.lakehouse.tables import table_statuses

    with reader.connect(settings) as connection:
        first, last, revenue, orders = (
            connection.execute(
                "select min(revenue_date), max(revenue_date), sum(total_revenue), sum(transaction_count) "
                "from finance.daily_revenue"
            ).fetchone()
            or (None,) * 4
        )
    console.say(f"\n[bold]ShopSphere, {first} to {last}: revenue ${revenue:,} in {orders:,} orders[/bold]")
    tables = len(table_statuses(settings))
    console.say(NEXT.format(tables=tables, warehouse=settings.warehouse, run=".venv/bin/shopsphere"))
