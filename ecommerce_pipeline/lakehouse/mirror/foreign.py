"""The foreign catalog's REST interface, as far as a mirror needs it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self, TypeVar

from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import (
    ForbiddenError,
    NoSuchNamespaceError,
    OAuthError,
    RESTError,
    TableAlreadyExistsError,
    UnauthorizedError,
)
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from requests import RequestException, Response, Session

from ecommerce_pipeline.lakehouse.errors import CatalogUnreadable, MirrorRefused
from ecommerce_pipeline.lakehouse.mirror.difference import Update
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.settings import Settings

Answer = TypeVar("Answer")
SECONDS = 60  # for one call; the library itself would wait for ever
_NO_SUCH_ROUTE = (404, 405, 406, 501)
_CONFLICT = 409


class Commit(NamedTuple):
    """A table, its metadata as the foreign catalog holds it, and what that catalog is told."""

    name: Name
    held: TableMetadata
    updates: Sequence[Update]

    def request(self) -> dict[str, Any]:
        """The protocol's CommitTableRequest: only if nobody else has moved it meanwhile."""
        stands = {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": self.held.current_snapshot_id}
        same = {"type": "assert-table-uuid", "uuid": str(self.held.table_uuid)}
        identifier = {"namespace": [self.name.namespace], "name": self.name.table}
        return {"identifier": identifier, "requirements": [same, stands], "updates": list(self.updates)}


class Foreign:
    """A REST catalog that is not the lake's own. Every method raises CatalogUnreadable when it does not answer, and
    MirrorRefused, in its own words, when it will not.
    """

    def __init__(self, catalog: RestCatalog, address: str) -> None:
        self._catalog, self._address = catalog, address

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The one that the settings name."""
        properties = {"uri": settings.mirror_uri, **settings.mirror_options}
        if settings.mirror_warehouse:
            properties["warehouse"] = settings.mirror_warehouse
        for name, secret in (("token", settings.mirror_token), ("credential", settings.mirror_credential)):
            if secret.get_secret_value():
                properties[name] = secret.get_secret_value()
        return cls(_asked(settings.mirror_uri, lambda: _Patient("mirror", **properties)), settings.mirror_uri)

    def table(self, name: Name) -> Table:
        """What it holds under a name."""
        held: Table = _asked(self._address, lambda: self._catalog.load_table(tuple(name)))
        return held

    def tables(self, schema: str) -> Mapping[Name, Table]:
        """What it holds in a schema, by name; nothing if there is no such schema."""
        return _asked(self._address, lambda: self._tables(schema))

    def register(self, name: Name, location: str, *, instead: bool) -> None:
        """Hold the table that a metadata file describes, if need be instead of the one that bears its name."""
        if instead:
            self.remove(name)
        _asked(self._address, lambda: self._register(name, location))

    def remove(self, name: Name) -> None:
        """Hold the table no longer; its files are not touched."""
        _asked(self._address, lambda: self._catalog.drop_table(tuple(name), purge_requested=False))

    def commit(self, commits: Sequence[Commit]) -> bool:
        """Land all of them; returns whether it was in one transaction, or table by table for want of one."""
        if not commits:
            return True
        requests = [commit.request() for commit in commits]
        answer = self._post("transactions/commit", {"table-changes": requests})
        if answer.status_code not in _NO_SUCH_ROUTE:
            self._must_be_done(answer, "the tables that changed")
            return True
        for commit, request in zip(commits, requests, strict=True):
            answer = self._post(f"namespaces/{commit.name.namespace}/tables/{commit.name.table}", request)
            self._must_be_done(answer, str(commit.name))
        return False

    def _tables(self, schema: str) -> Mapping[Name, Table]:
        try:
            names = [Name(*found[-2:]) for found in self._catalog.list_tables((schema,))]
        except NoSuchNamespaceError:
            return {}
        return {name: self._catalog.load_table(tuple(name)) for name in names}

    def _register(self, name: Name, location: str) -> None:
        self._catalog.create_namespace_if_not_exists((name.namespace,))
        self._catalog.register_table(tuple(name), location)

    def _post(self, route: str, body: Mapping[str, Any]) -> Response:
        # PyIceberg knows no transaction over several tables, so its session is asked directly.
        url, session = self._catalog.url(route), self._catalog._session
        return _asked(self._address, lambda: session.post(url, data=json.dumps(body).encode()))

    def _must_be_done(self, answer: Response, what: str) -> None:
        if answer.ok:
            return
        said = " ".join(answer.text.split())[:300]
        if answer.status_code == _CONFLICT:
            raise MirrorRefused(
                f"{what}: moved in the catalog {self._address} by somebody else meanwhile ({said}). "
                "Next: `shopsphere mirror`"
            )
        raise MirrorRefused(
            f"the catalog {self._address} did not take {what}: {answer.status_code} {said}. Next: what it says; "
            "`shopsphere mirror` tries again"
        )


class _Patient(RestCatalog):
    """PyIceberg's client, but for how long it waits."""

    def _create_session(self) -> Session:
        session = super()._create_session()
        send = session.send

        @functools.wraps(send)
        def within(request: Any, **how: Any) -> Response:
            return send(request, **{**how, "timeout": how.get("timeout") or SECONDS})

        session.send = within  # type: ignore[method-assign]
        return session


def _asked(address: str, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except (UnauthorizedError, ForbiddenError, OAuthError) as error:
        raise MirrorRefused(
            f"the catalog {address} does not let us in: {_first_line(error)}. Next: look at SHOPSPHERE_MIRROR_TOKEN or "
            "SHOPSPHERE_MIRROR_CREDENTIAL"
        ) from error
    except RequestException as error:
        raise CatalogUnreadable(
            f"the catalog {address} does not answer: {_first_line(error)}. Next: look at SHOPSPHERE_MIRROR_URI, and "
            "whether it runs"
        ) from error
    except (RESTError, TableAlreadyExistsError) as error:
        raise MirrorRefused(
            f"the catalog {address} refused: {_first_line(error)}. Next: what it says; `shopsphere mirror` tries again"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
