"""How Superset opens the stack's lake: through Trino, as the person who signed in, over TLS.

Superset's records hold an address without a password. What opens it is added here, from the file that the pipeline
writes: the service's own user and password prove who asks, and Trino's rules say in whose name it may. The pipeline's
own sign-in stays the service's user, because an administrator of Superset is none of Trino.
"""

from collections.abc import Callable, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from sqlalchemy.engine.url import URL
from trino.auth import BasicAuthentication

Mutator = Callable[..., tuple[URL, dict[str, Any]]]
CONNECTIONS = 32


class KeptOpen(HTTPAdapter):
    """Connections that outlive the session that used them, which spares each query a TLS handshake."""

    def close(self) -> None:
        """Nothing: the next session goes on with them."""


def ask_for_no_oauth(_app: Any) -> None:
    """Superset's FLASK_APP_MUTATOR: says once for all that nobody signs in to Trino by OAuth2.

    Superset asks that of its records when a query fails, in a second thread on the first one's session, and now and
    then shows the quarrel between the two instead of Trino's own words.
    """
    from superset.models.core import Database

    Database.is_oauth2_enabled = lambda _self: False


def mutator(facts: Mapping[str, Any]) -> Mutator:
    """Superset's DB_CONNECTION_MUTATOR for the Trino that the facts name; other addresses are left as they are."""
    connections = KeptOpen(pool_connections=1, pool_maxsize=CONNECTIONS, pool_block=False)
    own_sign_in = facts["administrator"]

    def session() -> requests.Session:
        """One for each connection: it carries a person's name in its headers."""
        found = requests.Session()
        found.trust_env = False  # REQUESTS_CA_BUNDLE would go before `verify`, and ~/.netrc before the password
        found.verify = facts["certificate"]
        found.mount("https://", connections)
        return found

    def mutate(uri: URL, params: dict[str, Any], *_: Any) -> tuple[URL, dict[str, Any]]:
        if uri.get_backend_name() != "trino" or (uri.host, uri.port) != (facts["host"], facts["port"]):
            return uri, params
        arguments = params.setdefault("connect_args", {})
        if arguments.get("user") == own_sign_in:
            del arguments["user"]
        arguments |= {
            "http_scheme": "https",
            "auth": BasicAuthentication(facts["user"], facts["password"]),
            "http_session": session(),
            "source": "superset",
            "timezone": "UTC",
        }
        return uri, params

    return mutate
