"""Opens the Iceberg catalog from its properties; the SQL catalog directly, which spares the imports of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import LoadError
from .settings import Settings

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


def open_catalog(settings: Settings) -> Catalog:
    """The catalog; raises LoadError without showing its properties, which may hold a password."""
    properties = settings.catalog_config
    try:
        if properties.get("type") == "sql":
            from pyiceberg.catalog.sql import SqlCatalog

            return SqlCatalog(settings.catalog_name, **properties)
        from pyiceberg.catalog import load_catalog

        return load_catalog(settings.catalog_name, **properties)
    except Exception as error:
        raise LoadError(
            f"target-iceberg: the Iceberg catalog {settings.catalog_name!r} cannot be opened ({type(error).__name__}). "
            "Next: check the setting catalog_properties: its uri must point at the catalog's database or "
            "service, which must be running"
        ) from error
