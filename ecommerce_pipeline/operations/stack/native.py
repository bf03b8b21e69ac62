"""The stack as native processes under the supervisor: all start at once, each is provisioned as soon as it is ready."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ecommerce_pipeline.operations import services
from ecommerce_pipeline.operations.services import Program, ServiceError
from ecommerce_pipeline.operations.stack import mariadb, minio, postgresql, trino
from ecommerce_pipeline.settings import Settings

LOG = logging.getLogger(__name__)


def programs(settings: Settings) -> list[Program]:
    """Every server, in the order in which they become ready; what is missing is fetched or made. ServiceError."""
    shop = mariadb.program(settings)
    if shop is None:
        LOG.warning(
            "there is no MariaDB on this machine: the shop's orders stay in PostgreSQL. "
            "Next: install the package mariadb-server and start again, if you want them in MariaDB"
        )
    databases = [minio.program(settings), postgresql.program(settings), *([shop] if shop else [])]
    return [*databases, *trino.programs(settings)]


def start(settings: Settings, extra: Sequence[Program] = ()) -> None:
    """Start what does not run yet and wait until all is ready. Raises ServiceError."""
    services.start(settings, [*programs(settings), *extra])


def restart(settings: Settings, name: str) -> None:
    """End one server and start it with its present configuration and secrets. Raises ServiceError."""
    known = {program.name: program for program in programs(settings)}
    if name not in known:
        raise ServiceError(f"there is no service {name!r}. Next: name one of {', '.join(known)}")
    services.restart(settings, known[name])
