"""Reading the lake through Trino: the stack's counterpart of the DuckDB session, with the same few methods.

A branch is a catalog of Trino's; those are fixed when it starts, so it knows production and the branch that runs build
on. Each query sees the tables as they are when it begins.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import requests
import sqlglot
from sqlglot import expressions as exp
from trino.auth import BasicAuthentication
from trino.dbapi import Connection
from trino.exceptions import Error, HttpError, TrinoConnectionError, TrinoUserError

from ecommerce_pipeline.lakehouse.errors import QueryRefused, TrinoUnreachable
from ecommerce_pipeline.settings import Settings

# Of one request, not of a query: Trino answers each within a second or so, be it "not yet"; three are tried.
ANSWER_SECONDS = 60.0


class TrinoSession:
    """One client of Trino; `execute` answers with a cursor. Closed with its `with`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> TrinoSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def execute(self, sql: str) -> Any:
        """The answer to one statement; raises QueryRefused in Trino's words, or TrinoUnreachable."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql)
        except TrinoUserError as error:
            raise QueryRefused(f"{error.error_name}: {error.message}") from error
        except (Error, HttpError, TrinoConnectionError, OSError) as error:
            raise _unreachable(self._connection, error) from error
        return cursor


def connect(settings: Settings, branch: str = "lake") -> TrinoSession:
    """A session on the branch as the settings' user; nothing is sent before the first query."""
    return TrinoSession(
        Connection(
            host=settings.trino_host,
            port=settings.trino_port,
            user=settings.trino_user,
            auth=BasicAuthentication(settings.trino_user, settings.trino_password.get_secret_value()),
            http_scheme="https",
            http_session=_trusting(settings.trino_certificate),
            catalog=branch,
            source="shopsphere",
            timezone="UTC",
            request_timeout=ANSWER_SECONDS,
        )
    )


def _trusting(certificate: str) -> requests.Session:
    """HTTP that believes this certificate, whatever REQUESTS_CA_BUNDLE says: requests would let it go first."""
    session = requests.Session()
    session.trust_env = False
    session.verify = certificate
    return session


def check_reads_only(sql: str) -> None:
    """Raise QueryRefused unless `sql` is one statement that only reads."""
    try:
        statements = [found for found in sqlglot.parse(sql, read="trino") if found is not None]
    except sqlglot.errors.SqlglotError as error:
        raise QueryRefused(str(error).partition("\n")[0]) from error
    if len(statements) != 1:
        raise QueryRefused(f"one statement at a time, here are {len(statements)}. Next: run them one by one")
    if not _reads(statements[0]):
        kind = sql.split(None, 1)[0].upper()
        raise QueryRefused(
            f"{kind} is refused: `shopsphere query` only reads. Next: change tables through a model in dbt/"
        )


def _reads(statement: object) -> bool:
    if isinstance(statement, (exp.Query, exp.Show, exp.Describe)):
        return True
    # what sqlglot does not take apart; EXPLAIN ANALYZE would run what it explains
    said = f"{statement.this} {statement.expression}".upper() if isinstance(statement, exp.Command) else ""
    return said.startswith(("EXPLAIN", "SHOW", "DESCRIBE")) and "ANALYZE" not in said


def _unreachable(connection: Any, error: Exception) -> TrinoUnreachable:
    said = " ".join(str(error).split())[:300]
    place = f"Trino at {connection.host}:{connection.port}"
    if "error 401" in said:
        return TrinoUnreachable(
            f"{place} does not know the user {connection.user} by this password (401). "
            "Next: mend SHOPSPHERE_TRINO_USER and SHOPSPHERE_TRINO_PASSWORD in .env"
        )
    return TrinoUnreachable(
        f"{place} did not answer: {said}. Next: `shopsphere stack status`; its log is log/trino.log in the home folder"
    )
