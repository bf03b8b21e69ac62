"""The server kept equal to git, in one call: what the command line and the assets have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecommerce_pipeline.dashboards import access, bundle, connection, facts, files, reports, validation, views
from ecommerce_pipeline.dashboards import sync as syncing
from ecommerce_pipeline.dashboards.client import Client
from ecommerce_pipeline.dashboards.contract import Contract
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.files import Assets
from ecommerce_pipeline.dashboards.sync import Step
from ecommerce_pipeline.settings import Settings


def sync(
    settings: Settings, contract: Contract, *, only_plan: bool = False, tell: Callable[[str], None] = lambda _line: None
) -> list[Step]:
    """Brings views, server, roles and schedules up to the lake and to git; the steps it took on objects, or would take.

    `tell` is given each step before the first is taken, then each change of a role or a schedule when it is made.
    Raises DashboardsError when the files do not fit the models; nothing is changed then.
    """
    assets = files.read(files.folder(settings))
    wanted = rendered(settings, assets, contract)
    roles, schedules = access.read(settings, assets), reports.read(settings, assets, contract)
    client = Client.of(settings)
    steps = syncing.plan(wanted, client.exported())
    for step in steps:
        tell(str(step))
    if only_plan:
        return steps
    if settings.profile == "embedded":
        views.refresh(settings, contract.tables.values())
    mails = facts.mail_is_sent(settings)
    changed = reports.prune(client, schedules) if mails else []
    syncing.apply(client, wanted, steps)
    changed += access.apply(client, assets, roles)
    changed += reports.apply(client, assets, schedules) if mails else []
    for line in changed:
        tell(line)
    return steps


def rendered(settings: Settings, assets: Assets, contract: Contract) -> Mapping[str, Any]:
    """The bundle of everything in git; raises DashboardsError naming the first problems of files that do not fit."""
    problems = validation.problems(assets, contract)
    if problems:
        more = f" … and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise DashboardsError(
            f"the dashboards in git do not fit the models, nothing was changed: {' | '.join(problems[:3])}{more}. "
            "Next: `shopsphere dashboards validate`"
        )
    return bundle.render(assets, contract, connection.database(settings))
