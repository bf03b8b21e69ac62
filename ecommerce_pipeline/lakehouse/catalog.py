"""The one door to the Iceberg catalog: the authority on how it is opened and what its properties are.

A branch of the lake is a catalog name: `lake` is production, any other name is a branch made by `branch.create`.
Everything that reads or writes Iceberg in this process comes through `open_catalog`; other processes (the Singer
target, the state backend) get `catalog_properties` as JSON and open the same database themselves.
"""

from __future__ import annotations

from typing import Literal

from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from ecommerce_pipeline.lakehouse import database
from ecommerce_pipeline.lakehouse.database import branches, lake_facts
from ecommerce_pipeline.lakehouse.errors import BranchError, WarehouseMoved
from ecommerce_pipeline.lakehouse.pointers import rows
from ecommerce_pipeline.settings import Settings

LAKE = "lake"
# Seconds; PyArrow's own give a store up that has not answered for three, which a busy one does while it takes a part.
_PATIENCE = {"s3.connect-timeout": "10", "s3.request-timeout": "60"}


def catalog_properties(settings: Settings, user: Literal["pipeline", "ingestion"] = "pipeline") -> dict[str, str]:
    """What PyIceberg needs to open the catalog, as one of the object store's users; holds passwords on the stack, so
    never log it.
    """
    found = {"type": "sql", "uri": database.connection_url(settings), "warehouse": settings.warehouse}
    return found | _object_store(settings, user) if settings.warehouse.startswith("s3://") else found


def _object_store(settings: Settings, user: str) -> dict[str, str]:
    key, password = settings.s3_access_key, settings.s3_secret_key
    if user == "ingestion" and not settings.s3_endpoint:  # the stack's own store has a user for it
        key, password = user, settings.s3_ingestion_secret_key
    found = {
        "s3.endpoint": settings.object_store,
        "s3.region": settings.s3_region,
        "s3.access-key-id": key,
        "s3.secret-access-key": password.get_secret_value(),
        "s3.path-style-access": str(settings.s3_path_style).lower(),
        "s3.force-virtual-addressing": str(not settings.s3_path_style).lower(),
    }
    return _PATIENCE | {name: value for name, value in found.items() if value}


def open_catalog(settings: Settings, branch: str = LAKE) -> SqlCatalog:
    """Open a branch of the lake, making database and tables at first use.

    Raises CatalogUnreadable, WarehouseMoved when the tables were written under another folder, BranchError when there
    is no such branch.
    """
    check_warehouse(settings)
    if branch != LAKE:
        check_exists(settings, branch)
    return SqlCatalog(branch, **catalog_properties(settings))


def check_warehouse(settings: Settings) -> None:
    """Refuse a lake whose folder was moved: the paths inside Iceberg's metadata are absolute."""
    with database.snapshot(settings) as connection:
        recorded = connection.scalar(select(lake_facts.c.value).where(lake_facts.c.name == "warehouse"))
    if recorded == settings.warehouse:
        return
    try:
        _settle(settings)
    except IntegrityError:  # another process has just settled it: look again where
        _settle(settings)


def _settle(settings: Settings) -> None:
    with database.transaction(settings) as connection:
        _settle_warehouse(connection, settings.warehouse)


def _settle_warehouse(connection: Connection, warehouse: str) -> None:
    recorded = connection.scalar(select(lake_facts.c.value).where(lake_facts.c.name == "warehouse"))
    if recorded is None:
        connection.execute(insert(lake_facts).values(name="warehouse", value=warehouse))
    elif connection.execute(select(rows.c.table_name).limit(1)).first() is None:
        # An empty lake may settle anywhere.
        connection.execute(update(lake_facts).where(lake_facts.c.name == "warehouse").values(value=warehouse))
    elif recorded != warehouse:
        raise WarehouseMoved(
            f"the lake's tables were written under {recorded}, but the settings now say {warehouse}: the paths inside "
            f"Iceberg's metadata are absolute, so a moved or copied clone cannot read them. Next: move the project "
            f"back, or set SHOPSPHERE_LAKE_WAREHOUSE={recorded} if the files are still there, or `shopsphere reset` "
            "and load again"
        )


def check_exists(settings: Settings, branch: str) -> None:
    """Raise BranchError, naming those that there are, unless there is such a branch beside production."""
    with database.snapshot(settings) as connection:
        names = list(connection.scalars(select(branches.c.name).order_by(branches.c.name)))
    if branch not in names:
        raise BranchError(
            f"there is no branch {branch!r} in the lake; there are: {', '.join([LAKE, *names])}. "
            f"Next: `shopsphere branch create {branch}`"
        )
