"""The HubSpot-like API: a real HTTP server in HubSpot v3's documented shape, over the company's own data.

GET /crm/v3/objects/{type}?limit&after&archived, GET /crm/v3/objects/{type}/{id}, POST /crm/v3/objects/{type}/search;
bearer token, 401 without it; 429 with Retry-After above the rate. Differences from HubSpot, to let an incremental
reader see closed contacts: without the `archived` parameter a list holds archived objects too, and so does a search;
every object carries `archived`, and archiving it counts as a change, with the same time. The custom types are
addressed by name.
"""

from __future__ import annotations

import argparse
import hmac
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shopsphere import hubspot_search, hubspot_store
from shopsphere.hubspot_store import TYPES
from shopsphere.state import Places, secret

FIELDS = "id, created, updated, archived, properties"
LIST_PAGE = 100
RATE, PERIOD = 150, 1.0  # requests in that many seconds; HubSpot's own private-app limit is 190 in 10


@dataclass
class RateLimit:
    """At most `requests` in any `period` seconds."""

    requests: int
    period: float
    taken: deque[float] = field(default_factory=deque)

    def wait(self) -> float:
        """0 and takes a place, or the seconds until there is one."""
        now = time.monotonic()
        while self.taken and self.taken[0] <= now - self.period:
            self.taken.popleft()
        if len(self.taken) >= self.requests:
            return self.taken[0] + self.period - now
        self.taken.append(now)
        return 0.0


def error(status: int, category: str, message: str, **headers: str) -> JSONResponse:
    """An error in HubSpot's shape."""
    return JSONResponse({"status": "error", "message": message, "category": category}, status, headers)


def application(database: Path, token: str, rate: int = RATE) -> Starlette:
    """The server as an ASGI application over the SQLite file `database`."""
    limit = RateLimit(rate, PERIOD)

    async def guard(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found or not valid.")
        wait = 0.0 if request.url.path == "/health" else limit.wait()
        if wait:
            return error(429, "RATE_LIMITS", "You have reached your limit.", **{"Retry-After": str(math.ceil(wait))})
        return await call(request)

    reader = Reader(database)
    routes = [
        Route("/health", lambda _request: JSONResponse({"status": "ok"})),
        Route("/crm/v3/objects/{type}", reader.list_objects),
        Route("/crm/v3/objects/{type}/search", reader.search, methods=["POST"]),
        Route("/crm/v3/objects/{type}/{id}", reader.one),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(BaseHTTPMiddleware, dispatch=guard)
    return app


@dataclass(frozen=True)
class Reader:
    """Answers from the SQLite file, which is opened for each request: what the company wrote is seen by the next
    one.
    """

    database: Path

    async def list_objects(self, request: Request) -> Response:
        """A page by id; `after` is the cursor of the page before."""
        kind, query = request.path_params["type"], request.query_params
        if kind not in TYPES:
            return _unknown(kind)
        limit = query.get("limit", "10")
        if not limit.isdigit() or not 1 <= int(limit) <= LIST_PAGE:
            return error(400, "VALIDATION_ERROR", f"limit must be between 1 and {LIST_PAGE}")
        wanted = {"true": "AND archived", "false": "AND NOT archived"}.get(query.get("archived", ""), "")
        identity, _, delivery = query.get("after", "").partition("~")
        where = f"FROM objects WHERE type = ? AND (id, delivery) > (?, ?) {wanted}"
        sql = f"SELECT delivery, {FIELDS} {where} ORDER BY id, delivery LIMIT ?"
        rows = await self._rows(sql, (kind, identity, int(delivery) if delivery.isdigit() else -1, int(limit) + 1))
        more = len(rows) > int(limit)
        rows = rows[: int(limit)]
        return _page([row[1:] for row in rows], f"{rows[-1][1]}~{rows[-1][0]}" if more else None)

    async def search(self, request: Request) -> Response:
        """A page of a search, with the total; `after` is the number of results before it."""
        kind = request.path_params["type"]
        if kind not in TYPES:
            return _unknown(kind)
        try:
            asked = hubspot_search.parse(await request.json())
        except ValueError as problem:
            return error(400, "VALIDATION_ERROR", f"Invalid input: {problem}")
        where = f"FROM objects WHERE type = ? AND ({asked.condition})"
        values = (kind, *asked.parameters)
        total = (await self._rows(f"SELECT count(*) {where}", values))[0][0]
        sql = f"SELECT {FIELDS} {where} ORDER BY {asked.order} LIMIT ? OFFSET ?"
        rows = await self._rows(sql, (*values, asked.limit, asked.offset))
        seen = asked.offset + len(rows)
        return _page(rows, str(seen) if rows and seen < total else None, total)

    async def one(self, request: Request) -> Response:
        """One object by id."""
        kind, identity = request.path_params["type"], request.path_params["id"]
        rows = await self._rows(f"SELECT {FIELDS} FROM objects WHERE type = ? AND id = ? LIMIT 1", (kind, identity))  # noqa: S608
        if not rows:
            return error(404, "OBJECT_NOT_FOUND", f"There is no object {identity} of type {kind}.")
        return Response(hubspot_store.as_json(rows[0]), media_type="application/json")

    async def _rows(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await run_in_threadpool(self._read, sql, values)

    def _read(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if not self.database.exists():  # before the first seed the company has no objects
            return [(0,)] if sql.startswith("SELECT count") else []
        with hubspot_store.opened(self.database, read_only=True) as db:
            return db.execute(sql, values).fetchall()


def _unknown(kind: str) -> Response:
    return error(404, "OBJECT_NOT_FOUND", f"Object type {kind} is not known. Known are {', '.join(TYPES)}.")


def _page(rows: list[tuple[Any, ...]], after: str | None, total: int | None = None) -> Response:
    """A page in HubSpot's shape; the objects' JSON is joined, not parsed."""
    head = "" if total is None else f'"total":{total},'
    tail = "" if after is None else f',"paging":{{"next":{{"after":"{after}","link":"?after={after}"}}}}'
    return Response(
        f'{{{head}"results":[{",".join(map(hubspot_store.as_json, rows))}]{tail}}}', media_type="application/json"
    )


def main() -> None:
    """Serves the company below --home on 127.0.0.1:--port until it is told to stop."""
    parser = argparse.ArgumentParser(description="ShopSphere's HubSpot-like API")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=int, default=RATE, help="requests a second before 429")
    given = parser.parse_args()
    app = application(Places(given.home).hubspot, secret(given.home, "hubspot"), given.rate)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
