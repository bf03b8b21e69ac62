"""Opens the catalog from its properties, and tables in it.

The SQL catalog directly, which spares the imports of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .errors import LoadError
from .settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

CREATION_ATTEMPTS = 5
# seconds; PyArrow's own give a store up that has not answered for three, which a busy one does while it takes a part
PATIENCE = {"s3.connect-timeout": "10", "s3.request-timeout": "60"}


def open_catalog(settings: Settings) -> Catalog:
    """The catalog; raises LoadError without showing its properties, which may hold a password."""
    properties = {**PATIENCE, **settings.catalog_config}
    try:
        if properties.get("type") == "sql":
            return _open_sql(settings.catalog_name, properties)
        from pyiceberg.catalog import load_catalog

        return load_catalog(settings.catalog_name, **properties)
    except Exception as error:
        raise LoadError(
            f"target-iceberg: the Iceberg catalog {settings.catalog_name!r} cannot be opened ({type(error).__name__}). "
            "Next: check the setting catalog_properties: its uri must point at the catalog's database or "
            "service, which must be running"
        ) from error


def _open_sql(name: str, properties: Mapping[str, str]) -> Catalog:
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy.exc import DatabaseError

    try:
        return SqlCatalog(name, **properties)
    except DatabaseError:  # a fresh database, and another run has just made its tables: they are there now
        return SqlCatalog(name, **properties)


def open_table(catalog: Catalog, place: str, schema: pa.Schema, properties: Mapping[str, str]) -> Table:
    """The table at `namespace.table`, created empty with its namespace if there is none; two runs may do so at once."""
    from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
    from sqlalchemy.exc import IntegrityError

    for _ in range(CREATION_ATTEMPTS):
        try:
            return catalog.load_table(place)
        except NoSuchTableError:
            try:
                catalog.create_namespace_if_not_exists(place.rpartition(".")[0])
                return catalog.create_table(place, schema=schema, properties=dict(properties))
            except (IntegrityError, NamespaceAlreadyExistsError, TableAlreadyExistsError):
                continue  # another run created it first
    raise LoadError(
        f"{place}: the table can neither be loaded nor created. Next: check the catalog's database, then run again"
    )
