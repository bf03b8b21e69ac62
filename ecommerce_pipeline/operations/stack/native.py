"""The stack as native processes under the supervisor: all start at once, each is provisioned as soon as it is ready."""

from __future__ import annotations

import logging

from ecommerce_pipeline.operations import services
from ecommerce_pipeline.operations.services import Program, ServiceError
from ecommerce_pipeline.operations.stack import mariadb, minio, postgresql, trino, valkey
from ecommerce_pipeline.settings import Settings

LOG = logging.getLogger(__name__)
NO_MARIADB = (
    "there is no MariaDB on this machine: the shop's orders stay in PostgreSQL. "
    "Next: install the package mariadb-server and start again, if you want them in MariaDB"
)
NO_VALKEY = (
    "there is no Valkey or Redis on this machine: the dashboards remember answers in files and send no mail. "
    "Next: install the package valkey-server or redis-server and start again, if you want that"
)


def programs(settings: Settings) -> list[Program]:
    """Every server, in the order in which they become ready; what is missing is fetched or made. ServiceError."""
    # what has to be fetched first: if it cannot be had, nothing was made yet
    store = [] if settings.s3_endpoint else [minio.program(settings)]
    nodes = trino.programs(settings)
    databases = [postgresql.program(settings)]
    for server, without_it in ((mariadb, NO_MARIADB), (valkey, NO_VALKEY)):
        if found := server.program(settings):
            databases.append(found)
        else:
            LOG.warning(without_it)
    return [*store, *databases, *nodes]


def start(settings: Settings) -> None:
    """Start what does not run yet, end the workers that are not wanted any more, and wait until all is ready.

    Raises ServiceError.
    """
    wanted = programs(settings)
    names = {program.name for program in wanted}
    for found in services.status(settings):
        if found.name.startswith(trino.WORKER) and found.name not in names:
            services.remove(settings, found.name)
    services.start(settings, wanted)


def restart(settings: Settings, name: str) -> None:
    """End one server and start it with its present configuration and secrets. Raises ServiceError."""
    known = {program.name: program for program in programs(settings)}
    if name not in known:
        raise ServiceError(f"there is no service {name!r}. Next: name one of {', '.join(known)}")
    services.restart(settings, known[name])
