"""How the dashboard server comes up, step by step: the one place where its processes meet their supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecommerce_pipeline.dashboards.processes import Process
    from ecommerce_pipeline.operations.services import Program
    from ecommerce_pipeline.settings import Settings


def start(settings: Settings) -> Settings:
    """Installs and starts Superset, with what it stands on running; returns the settings with its address.

    On the stack its records are in the stack's PostgreSQL, which must be up; in the embedded profile it brings one.
    """
    from ecommerce_pipeline.dashboards import facts, installation, server
    from ecommerce_pipeline.operations import services

    out = console.console()
    if not installation.is_installed(settings):
        with out.status("installing Superset in its own environment, 800 MB"):
            installation.install(settings)
    if settings.profile == "embedded":
        _ground(settings)
    with out.status("preparing Superset's records; the first time takes half a minute"):
        server.prepare(settings)
    with out.status("starting Superset"):
        start_processes(settings, server.processes(settings))
        if not facts.mail_is_sent(settings):
            services.remove(settings, server.MAIL)
    server.write_connection(settings)
    return _settings_again()


def restart(settings: Settings, name: str) -> bool:
    """Ends one of its processes and starts it with what it is told now; whether it is one of its processes."""
    from ecommerce_pipeline.dashboards import installation, server
    from ecommerce_pipeline.operations import services

    if not server.was_started(settings) or not installation.is_installed(settings):
        return False
    found = [process for process in server.processes(settings) if process.name == name]
    if found:
        server.prepare(settings)
    for process in found:
        services.restart(settings, _program(process))
    return bool(found)


def start_processes(settings: Settings, processes: Sequence[Process]) -> None:
    """Under the supervisor, until each is ready."""
    from ecommerce_pipeline.operations import services

    services.start(settings, [_program(process) for process in processes])


def _ground(settings: Settings) -> None:
    """What the embedded server stands on: the views of the marts, and a PostgreSQL for its records."""
    from ecommerce_pipeline.dashboards import contract, metadata_store, views
    from ecommerce_pipeline.transformation import project

    out = console.console()
    with out.status("reading the marts"):
        views.refresh(settings, contract.read(project.manifest(settings)).tables.values())
    with out.status("starting Superset's PostgreSQL"):
        start_processes(settings, [metadata_store.process(settings)])


def _program(process: Process) -> Program:
    from ecommerce_pipeline.operations.services import Program

    return Program(**vars(process))


def _settings_again() -> Settings:
    """The settings with what was just written into their file."""
    from ecommerce_pipeline.settings import get_settings

    get_settings.cache_clear()
    return get_settings()
