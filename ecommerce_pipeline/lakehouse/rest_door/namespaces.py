"""The door's endpoints on namespaces (schemas), and the few that concern no table."""

from __future__ import annotations

from pyiceberg.exceptions import NoSuchNamespaceError

from ecommerce_pipeline.lakehouse.rest_door.answers import NO_CONTENT, PREFIX, Answer, Request
from ecommerce_pipeline.lakehouse.rest_door.shelf import Shelf


def configuration(_shelf: Shelf, _request: Request) -> Answer:
    """GET /v1/config."""
    return Answer(200, {"defaults": {}, "overrides": {"prefix": PREFIX}})


def list_namespaces(shelf: Shelf, request: Request) -> Answer:
    """GET …/namespaces; the lake's are one level deep."""
    return Answer(200, {"namespaces": [] if request.query.get("parent") else [list(n) for n in shelf.namespaces()]})


def create_namespace(shelf: Shelf, request: Request) -> Answer:
    """POST …/namespaces."""
    body = request.json()
    shelf.writable().create_namespace(tuple(body["namespace"]), body.get("properties") or {})
    return Answer(200, {"namespace": body["namespace"], "properties": body.get("properties") or {}})


def load_namespace(shelf: Shelf, request: Request) -> Answer:
    """GET and HEAD …/namespaces/{namespace}."""
    namespace = request.path["namespace"]
    if (namespace,) not in shelf.namespaces():
        raise NoSuchNamespaceError(f"there is no schema {namespace} in the lake")
    return Answer(200, {"namespace": [namespace], "properties": {}})


def drop_namespace(shelf: Shelf, request: Request) -> Answer:
    """DELETE …/namespaces/{namespace}, empty ones only."""
    shelf.writable().drop_namespace(request.path["namespace"])
    return NO_CONTENT


def list_views(_shelf: Shelf, _request: Request) -> Answer:
    """GET …/views: DuckDB asks, the lake has none."""
    return Answer(200, {"identifiers": []})
