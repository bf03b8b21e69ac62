"""Tables of PostgreSQL and MySQL: how many rows, and when the last one changed.

Both are asked in one round for all tables. The latest change is read from an index; rows are counted exactly as long as
the database's own estimate says that a count is cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit

from ecommerce_pipeline.sources.observation import Observation, SourceError
from ecommerce_pipeline.streams import Stream

COUNTED_UP_TO = 5_000_000
CONNECT_SECONDS = 10
Ask = Callable[[str], Any]


def kind(url: str) -> str:
    """`postgresql` or `mysql`, from the address's scheme; postgresql while no address is set."""
    return "mysql" if url.startswith("mysql") else "postgresql"


def observe(url: str, streams: Sequence[Stream]) -> dict[str, Observation]:
    """By stream id; raises SourceError."""
    if not url:
        raise SourceError(f"{streams[0].system}: no address is set. Next: set its SHOPSPHERE_…_URL in .env")
    try:
        with asking(url) as ask:
            return {stream.stream_id: _table(ask, stream, kind(url)) for stream in streams}
    except SourceError:
        raise
    except Exception as error:  # each driver has its own hierarchy, and all that fails here is the source
        raise SourceError(
            f"{_place(url)}: {' '.join(str(error).split())}. Next: check that it runs and that the address is right"
        ) from error


def asking(url: str) -> AbstractContextManager[Ask]:
    """A connection that answers a query with the first value of its first row; what the driver raises is passed on."""
    return (_mysql if kind(url) == "mysql" else _postgres)(url)


def _table(ask: Ask, stream: Stream, engine: str) -> Observation:
    quote = "`" if engine == "mysql" else '"'
    table = f"{quote}{stream.system}{quote}.{quote}{stream.table}{quote}"
    estimate = int(ask(_ESTIMATES[engine].format(system=_text(stream.system), table=_text(stream.table))) or 0)
    counted = estimate <= COUNTED_UP_TO
    rows = int(ask(f"SELECT count(*) FROM {table}")) if counted else estimate  # noqa: S608 - names of meltano.yml, quoted
    found: dict[str, Any] = {"rows" if counted else "rows_estimated": rows}
    if stream.replication_key:
        latest = ask(f"SELECT max({quote}{stream.replication_key}{quote}) FROM {table}")  # noqa: S608 - as above
        found[f"latest {stream.replication_key}"] = str(latest)
    return Observation("|".join(str(value) for value in found.values()), found)


_ESTIMATES = {
    "postgresql": "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(format('%I.%I', {system}, {table}))",
    "mysql": "SELECT table_rows FROM information_schema.tables WHERE table_schema = {system} AND table_name = {table}",
}


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@contextmanager
def _postgres(url: str) -> Iterator[Ask]:
    import psycopg

    with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True) as connection:
        yield lambda sql: (connection.execute(sql).fetchone() or (None,))[0]


@contextmanager
def _mysql(url: str) -> Iterator[Ask]:
    import connectorx

    def ask(sql: str) -> Any:
        column = connectorx.read_sql(url, sql, return_type="arrow").column(0)
        return column[0].as_py() if len(column) else None

    yield ask


def _place(url: str) -> str:
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or "(local socket)"
    return f"{parts.scheme}://{address}{parts.path}"
