"""How Superset opens the embedded lake: always the latest file of views, and nothing else on this machine.

DuckDB keeps one database object a file path, for as long as anybody has it open. Asking for the link's target instead
of the link gives a new publication a new path, so that nobody is kept on the old one by somebody else's long query.
The first connection to a file loads the extensions, allows the folders of the tables that are open to every analyst,
and locks the door: no other file, no network, no setting can be changed, whatever SQL somebody types.
"""

import importlib.util
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.url import URL

EXTENSIONS = ("avro", "httpfs", "iceberg")
LOCKED = "select current_setting('lock_configuration')"
opening = threading.Lock()


def with_latest_file(uri: URL, params: dict[str, Any], *_: Any) -> tuple[URL, dict[str, Any]]:
    """Superset's DB_CONNECTION_MUTATOR: a DuckDB address with the link's target, read-only."""
    if uri.drivername.startswith("duckdb") and uri.database:
        latest = str(Path(uri.database).resolve())
        uri = uri.set(database=latest)
        arguments = params.setdefault("connect_args", {})
        arguments["read_only"] = True
        arguments["config"] = {"allow_unsigned_extensions": "true"}
    return uri, params


def install() -> None:
    """From now on every new connection to DuckDB is locked before anybody gets it."""
    event.listen(Engine, "connect", _lock)


def _lock(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    if "duckdb" not in type(connection).__module__:
        cursor.close()
        return
    with opening:
        if str(_value(cursor, LOCKED)).lower() != "true":
            _prepare(cursor)


def _prepare(cursor: Any) -> None:
    for name in EXTENSIONS:
        cursor.execute(f"load '{_extension(name)}'")
    cursor.execute("set global TimeZone = 'UTC'")
    folders = _value(cursor, "select folders from main.about")
    listed = ", ".join("'" + folder.replace("'", "''") + "'" for folder in folders)
    cursor.execute(f"set allowed_directories = [{listed}]")
    cursor.execute("set enable_external_access = false")
    cursor.execute("set lock_configuration = true")


def _value(cursor: Any, query: str) -> Any:
    cursor.execute(query)
    return cursor.fetchone()[0]


def _extension(name: str) -> Path:
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (package.submodule_search_locations or []) if package else []:
        for file in Path(folder).rglob("*.duckdb_extension"):
            return file
    raise RuntimeError(f"DuckDB's extension {name!r} is not in Superset's environment; see superset/requirements.in")
