"""The databases the tap reads, one module each; the address's scheme chooses."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import TapError
from ..model import Engine
from ..settings import Settings


def engine_for(settings: Settings) -> Engine:
    """The engine of the address; raises TapError for a scheme that none reads. Drivers are imported on use."""
    scheme = urlsplit(settings.url).scheme.partition("+")[0]
    if scheme in {"postgresql", "postgres"}:
        from .postgres import Postgres

        return Postgres(settings)
    if scheme in {"mysql", "mariadb"}:
        from .mysql import MySQL

        return MySQL(settings)
    raise TapError(
        f"tap-sql: no engine for {scheme or 'an address without scheme'}://. Next: set url to postgresql://… or "
        "mysql://…"
    )
