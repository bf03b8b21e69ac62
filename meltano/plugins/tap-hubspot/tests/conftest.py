"""A HubSpot in this process: a real HTTP server with v3's lists, searches and limits, and failures on demand."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tap_hubspot.messages import Messages
from tap_hubspot.reading import milliseconds
from tap_hubspot.settings import parse_settings
from tap_hubspot.sync import sync

TOKEN = "pat-secret-1234"
START = 1_500_000_000_000


def time_of(moment: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Account:
    """What the server holds; tests change it between and during runs."""

    url: str = ""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    before_answer: Callable[[Account], None] = lambda _account: None

    def put(self, identity: str, moment: int, archived: bool = False, **properties: str | None) -> None:
        """An object changed or archived at `moment`, in ms after the test's beginning.

        Archiving changes nothing else, as with HubSpot: the object stands as it was, and so does its date.
        """
        at = time_of(START + moment)
        if archived and identity in self.objects:
            self.objects[identity].setdefault("archivedAt", at)
            self.objects[identity]["archived"] = True
            return
        self.objects[identity] = {
            "id": identity,
            "properties": {"hs_lastmodifieddate": at, **properties},
            "createdAt": time_of(START),
            "updatedAt": at,
            "archived": archived,
            **({"archivedAt": at} if archived else {}),
        }

    def page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        archived, limit = query["archived"] == ["true"], int(query["limit"][0])
        after = query.get("after", [""])[0]
        found = [o for i, o in sorted(self.objects.items()) if o["archived"] == archived and i > after]
        return _answer(found[:limit], found[limit - 1]["id"] if len(found) > limit else None)

    def search(self, body: dict[str, Any]) -> dict[str, Any]:
        filters = [one for group in body["filterGroups"] for one in group["filters"]]
        found = [o for o in self.objects.values() if not o["archived"] and all(_matches(o, one) for one in filters)]
        sort = body["sorts"][0]
        found.sort(key=lambda o: _value(o, sort["propertyName"]), reverse=sort["direction"] == "DESCENDING")
        assert body["limit"] <= 200
        assert int(body.get("after", 0)) + body["limit"] <= 10_000, "HubSpot shows the first 10,000 results only"
        return _answer(found[: body["limit"]], None) | {"total": len(found)}


def _answer(results: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    return {"results": results, **({"paging": {"next": {"after": after, "link": "?"}}} if after else {})}


def _value(found: dict[str, Any], name: str) -> Any:
    return found["id"] if name == "hs_object_id" else milliseconds(found["properties"][name])


def _matches(found: dict[str, Any], one: dict[str, str]) -> bool:
    mine = _value(found, one["propertyName"])
    theirs = one["value"] if isinstance(mine, str) else int(one["value"])
    return {"GT": mine > theirs, "LTE": mine <= theirs, "EQ": mine == theirs}[one["operator"]]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    account: Account

    def do_GET(self) -> None:
        self._serve(lambda: self.account.page(parse_qs(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._serve(lambda: self.account.search(body))

    def _serve(self, answer: Callable[[], dict[str, Any]]) -> None:
        self.account.requests.append(f"{self.command} {self.path}")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._send(401, {"message": "Authentication credentials not found."}, {})
        if self.account.failures:
            status, headers = self.account.failures.pop(0)
            return self._send(status, {"message": "not now"}, headers)
        self.account.before_answer(self.account)
        return self._send(200, answer(), {})

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def account() -> Iterator[Account]:
    account = Account()
    handler = type("AccountHandler", (Handler,), {"account": account})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        account.url = f"http://127.0.0.1:{server.server_port}"
        yield account
        server.shutdown()


CONTACTS = {
    "name": "hubspot-contacts",
    "object_type": "contacts",
    "properties": {"email": "string", "campaign_id": "long", "consent": "boolean", "day": "date", "at": "timestamp"},
}


class Sent:
    """The messages of one run."""

    def __init__(self, output: bytes) -> None:
        self.messages: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [message["record"] for message in self.messages if message["type"] == "RECORD"]

    @property
    def ids(self) -> list[str]:
        return [row["id"] for row in self.rows]

    @property
    def state(self) -> dict[str, Any]:
        return [message for message in self.messages if message["type"] == "STATE"][-1]["value"]


@pytest.fixture
def run(account: Account) -> Callable[..., Sent]:
    """`run(state=None, stream=CONTACTS, **settings)` runs the tap against the account."""

    def run(state: dict[str, Any] | None = None, stream: dict[str, Any] = CONTACTS, **settings: Any) -> Sent:
        output = io.BytesIO()
        config = {"url": account.url, "token": TOKEN, "streams": [stream], **settings}
        sync(parse_settings(config), {}, state or {}, Messages(output))
        return Sent(output.getvalue())

    return run
