"""The door's HTTP: threads of this process, on loopback only.

The standard library is enough: a call costs a millisecond or two, nearly all of it in the catalog. Nagle's algorithm
must be off, or every call waits 40 ms for the client's delayed acknowledgement.
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from pyiceberg.catalog.sql import SqlCatalog

from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.lakehouse.rest_door.answers import STRANGER, answer_error
from ecommerce_pipeline.lakehouse.rest_door.routes import dispatch
from ecommerce_pipeline.lakehouse.rest_door.shelf import Shelf

log = logging.getLogger(__name__)


class Door(NamedTuple):
    """An open door: `url` is the REST catalog's address."""

    url: str
    shelf: Shelf
    server: ThreadingHTTPServer

    def close(self) -> None:
        """Stop answering; connections that use the door end with it."""
        self.server.shutdown()
        self.server.server_close()


def open_door(
    catalog: SqlCatalog,
    *,
    read_only: bool = False,
    pinned: Mapping[Name, str] | None = None,
    port: int = 0,
    token: str | None = None,
) -> Door:
    """Answer for this branch on a port of 127.0.0.1, a free one by default, until closed; the threads do not keep the
    process alive. With a token, only to calls that bear it. Raises OSError if the port is taken.
    """
    shelf = Shelf(catalog, read_only=read_only, pinned=pinned)
    handler = type("Handler", (_Handler,), {"shelf": shelf, "token": token})
    server = _Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="rest-door", daemon=True).start()
    return Door(f"http://127.0.0.1:{server.server_address[1]}", shelf, server)


@contextmanager
def serve(catalog: SqlCatalog, *, read_only: bool = False, pinned: Mapping[Name, str] | None = None) -> Iterator[Door]:
    """An open door for the time of the block."""
    door = open_door(catalog, read_only=read_only, pinned=pinned)
    try:
        yield door
    finally:
        door.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    shelf: Shelf
    token: str | None

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            answer = dispatch(self.shelf, self.command, self.path, body) if self._may_enter() else STRANGER
        except Exception as error:  # whatever happened, the client must get an answer that says so
            log.debug("%s %s failed", self.command, self.path, exc_info=True)
            answer = answer_error(error)
        content = answer.encoded()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _may_enter(self) -> bool:
        said = self.headers.get("Authorization") or ""
        return self.token is None or hmac.compare_digest(said.encode(), f"Bearer {self.token}".encode())

    do_GET = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - http.server wants these names

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
