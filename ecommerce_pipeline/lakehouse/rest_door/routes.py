"""Which path leads to which endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote, urlsplit

from ecommerce_pipeline.lakehouse.rest_door import namespaces, tables
from ecommerce_pipeline.lakehouse.rest_door.answers import PREFIX, Answer, Request, no_route
from ecommerce_pipeline.lakehouse.rest_door.shelf import Shelf

Endpoint = Callable[[Shelf, Request], Answer]

_LAKE = f"/v1/{PREFIX}"
_NAMESPACE = rf"{_LAKE}/namespaces/(?P<namespace>[^/]+)"
_TABLE = rf"{_NAMESPACE}/tables/(?P<table>[^/]+)"

_ROUTES: tuple[tuple[str, re.Pattern[str], Endpoint], ...] = tuple(
    (method, re.compile(pattern), endpoint)
    for method, pattern, endpoint in (
        ("GET", _TABLE, tables.load_table),
        ("POST", _TABLE, tables.commit_table),
        ("POST", f"{_LAKE}/transactions/commit", tables.commit_transaction),
        ("POST", f"{_NAMESPACE}/tables", tables.create_table),
        ("GET", f"{_NAMESPACE}/tables", tables.list_tables),
        ("HEAD", _TABLE, tables.table_exists),
        ("DELETE", _TABLE, tables.drop_table),
        ("POST", f"{_LAKE}/tables/rename", tables.rename_table),
        ("GET", f"{_LAKE}/namespaces", namespaces.list_namespaces),
        ("POST", f"{_LAKE}/namespaces", namespaces.create_namespace),
        ("GET", _NAMESPACE, namespaces.load_namespace),
        ("HEAD", _NAMESPACE, namespaces.load_namespace),
        ("DELETE", _NAMESPACE, namespaces.drop_namespace),
        ("GET", f"{_NAMESPACE}/views", namespaces.list_views),
        ("GET", "/v1/config", namespaces.configuration),
    )
)


def dispatch(shelf: Shelf, method: str, target: str, body: bytes) -> Answer:
    """Answer one call; errors are the caller's to turn into an answer."""
    address = urlsplit(target)
    for known, pattern, endpoint in _ROUTES:
        if known == method and (match := pattern.fullmatch(address.path.rstrip("/"))):
            path = {key: unquote(value) for key, value in match.groupdict().items()}
            return endpoint(shelf, Request(path, dict(parse_qsl(address.query)), body))
    return no_route(method, address.path)
