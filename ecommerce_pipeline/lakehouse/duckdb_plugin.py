"""dbt-duckdb plugin: dbt's connection to the lake.

Opens the door on the branch that `SHOPSPHERE_BRANCH` names (default: production, which dbt may only read), attaches it
as database `lake`, and gives the materializations the functions they need beyond SQL: `lake_replace`, `lake_fragments`
and `lake_tables`.
"""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from ecommerce_pipeline.lakehouse.catalog import LAKE, open_catalog
from ecommerce_pipeline.lakehouse.contents import fragments
from ecommerce_pipeline.lakehouse.duckdb_session import CONFIG, attach
from ecommerce_pipeline.lakehouse.errors import BranchError
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.lakehouse.replace import replace
from ecommerce_pipeline.lakehouse.rest_door.server import Door, open_door
from ecommerce_pipeline.settings import get_settings

WRITING = {"build", "run", "seed", "snapshot", "clone", "retry"}  # dbt's commands that make tables


class Plugin(BasePlugin):  # type: ignore[misc]
    """One door for all of dbt's threads, closed with the process."""

    _door: Door | None = None

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Nothing is opened yet: `dbt parse` must not need a lake."""

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:  # noqa: ARG002 - dbt-duckdb's signature
        """Open the connection as `attach` needs it."""
        config.update(CONFIG)

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Attach the branch as `lake`; raises LakehouseError, also when dbt is about to write production."""
        door = self._open()
        attach(conn, door)
        add_functions(conn, door)

    def _open(self) -> Door:
        if self._door is None:
            settings = get_settings()
            production = settings.branch == LAKE
            if production and _command() in WRITING:
                raise BranchError(
                    f"`dbt {_command()}` would write production's tables; they change by publication alone. "
                    "Next: `shopsphere branch create NAME`, then `shopsphere branch build NAME`"
                )
            self._door = open_door(open_catalog(settings, settings.branch), read_only=production)
        return self._door


def _command() -> str:
    """The dbt command that is running."""
    from dbt.flags import get_flags

    return str(getattr(get_flags(), "WHICH", ""))


def add_functions(connection: DuckDBPyConnection, door: Door) -> None:
    """Give the connection `lake_replace`, `lake_fragments` and `lake_tables`, acting on the door's branch."""

    def lake_replace(namespace: str, successor: str, target: str) -> str:
        return replace(door.shelf, Name(namespace, successor), Name(namespace, target))

    def lake_tables(namespace: str) -> list[str]:
        known = (namespace,) in door.shelf.namespaces()
        return [name.table for name in door.shelf.tables(namespace)] if known else []

    def lake_fragments(namespace: str, table: str) -> int:
        return fragments(door.shelf.metadata(door.shelf.location(Name(namespace, table))))

    text = "VARCHAR"
    connection.create_function("lake_replace", lake_replace, [text] * 3, text, side_effects=True)
    connection.create_function("lake_fragments", lake_fragments, [text] * 2, "BIGINT", side_effects=True)
    connection.create_function("lake_tables", lake_tables, [text], f"{text}[]", side_effects=True)
