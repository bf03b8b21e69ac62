"""Reading the lake: the authority on what a reader sees.

A connection pins every pointer of the branch in one SQL read when it opens. Whatever is published afterwards, it goes
on seeing that one moment, all tables of it; a new connection sees the new moment. It cannot write. On the stack, Trino
answers instead: each query sees the tables as they are when it begins.
"""

from __future__ import annotations

import weakref
from typing import Any

import duckdb

from ecommerce_pipeline.lakehouse import contents, database
from ecommerce_pipeline.lakehouse.catalog import LAKE, open_catalog
from ecommerce_pipeline.lakehouse.duckdb_session import CONFIG, attach
from ecommerce_pipeline.lakehouse.rest_door.server import open_door
from ecommerce_pipeline.settings import Settings


def connect(settings: Settings, branch: str = LAKE) -> Any:
    """A connection to the profile's engine with the branch's tables as <schema>.<table>, times in UTC: DuckDB's own,
    or a TrinoSession; `execute` answers with `description` and `fetch…` on both.

    Keep the connection for as long as its cursors: the tables go with it. Raises LakehouseError.
    """
    if settings.profile == "stack":
        from ecommerce_pipeline.lakehouse import trino_session

        return trino_session.connect(settings, branch)
    return _duckdb(settings, branch)


def _duckdb(settings: Settings, branch: str) -> duckdb.DuckDBPyConnection:
    catalog = open_catalog(settings, branch)
    with database.snapshot(settings) as connection:
        pinned = contents.tables_of(connection, branch)
    door = open_door(catalog, pinned=pinned)
    session = duckdb.connect(":memory:", config=CONFIG)
    attach(session, door)
    session.execute("set integer_division = true")
    if pinned:
        # Any schema will do: it makes <schema>.<table> mean the lake's.
        session.execute(f'use lake."{min(pinned).namespace}"')
    weakref.finalize(session, door.close)
    return session
