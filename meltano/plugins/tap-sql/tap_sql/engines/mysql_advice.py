"""Why MySQL does not answer, and what to do: asked before the driver tries for half a minute."""

from __future__ import annotations

import socket
from urllib.parse import unquote, urlsplit

import pymysql  # type: ignore[import-untyped]

from ..errors import TapError, shown_address, without_secret

PORT = 3306
REFUSALS = (1044, 1045, 1049)  # no right on the database, wrong user or password, no such database


def refuse_if_refused(url: str) -> None:
    """Ask once for a connection: the driver's pool would try for half a minute before it says why there is none.

    Only what is certain is an answer; the rest (TLS and its like, set in the address) is left to the driver.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or PORT
    try:
        socket.create_connection((host, port), timeout=10).close()
    except OSError as error:
        raise TapError(explain(str(error), url)) from None
    if parts.query:
        return
    login = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    try:
        pymysql.connect(host=host, port=port, **login, database=unquote(parts.path.strip("/")) or None).close()
    except pymysql.err.OperationalError as error:
        if error.args[0] in REFUSALS:
            raise TapError(explain(without_secret(str(error.args[-1]), url), url)) from None
    except (pymysql.err.Error, RuntimeError):  # a way of signing in that this client has not
        return


def explain(message: str, url: str) -> str:
    """The server's message with where it came from and the next step; `message` holds no secret."""
    reasons = {
        "Unknown database": "check the database in url",
        "Access denied": "check the user and password in url, and its SELECT privilege",
        "Connection refused": "start the server, or check host and port in url",
        "timed out": "check host, port and firewall",
    }
    step = next((s for sign, s in reasons.items() if sign in message), "see the server's log; the run can be repeated")
    return f"tap-sql: MySQL at {shown_address(url)}: {message}. Next: {step}"
