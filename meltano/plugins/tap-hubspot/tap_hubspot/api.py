"""HubSpot's v3 API over HTTP: the authority on requests, retries and what an answer looks like.

429 is answered by waiting as long as Retry-After says, 5xx and lost connections by waiting longer each time, with
jitter; urllib3 does both. The token goes into a header and nowhere else.
"""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import urllib3
from urllib3.util.retry import Retry

from tap_hubspot.errors import HubspotError
from tap_hubspot.settings import Settings

logger = logging.getLogger("tap-hubspot")
Answer = TypeVar("Answer")


class HubspotObject(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An object of any type; properties are texts, times RFC 3339."""

    id: str
    created_at: str
    updated_at: str
    properties: dict[str, str | None]
    archived: bool = False
    archived_at: str | None = None


class Next(msgspec.Struct, frozen=True):
    """Where the next page begins."""

    after: str


class Paging(msgspec.Struct, frozen=True):
    """HubSpot's cursor."""

    next: Next | None = None


class Page(msgspec.Struct, frozen=True):
    """A page of a list or a search; `total` only in a search."""

    results: list[HubspotObject]
    paging: Paging | None = None
    total: int | None = None

    @property
    def after(self) -> str | None:
        """The cursor of the next page, None on the last."""
        return self.paging.next.after if self.paging and self.paging.next else None


class _Patience(Retry):
    """urllib3's retries, told to the log: a run that waits must not look like one that hangs."""

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        if response is not None:
            wait = self.get_retry_after(response) or self.get_backoff_time()
            logger.warning("HubSpot answered %d: going on in %.1f s", response.status, wait)
        super().sleep(response)


class Api:
    """Requests to one account."""

    def __init__(self, settings: Settings) -> None:
        retries = _Patience(
            total=settings.retries,
            connect=min(settings.retries, 2),  # who refuses connections is down, not busy: say so soon
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=None,  # a search is a POST, and changes nothing
            backoff_factor=0.5,
            backoff_jitter=0.5,
            backoff_max=30,
            retry_after_max=settings.longest_wait_seconds,
        )
        self._url = settings.url.rstrip("/")
        headers = {"Authorization": f"Bearer {settings.token}", "Accept": "application/json"}
        options: dict[str, Any] = {"headers": headers, "retries": retries, "timeout": settings.timeout_seconds}
        proxy = _proxy(self._url)
        self._pool = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)

    def get(self, path: str, query: Mapping[str, str]) -> Page:
        """GET a page; raises HubspotError."""
        return self._page("GET", path, fields=query)

    def post(self, path: str, body: Mapping[str, Any]) -> Page:
        """POST a search; raises HubspotError."""
        return self._page("POST", path, json=body)

    def _page(self, method: str, path: str, **options: Any) -> Page:
        place = f"{method} {self._url}{path}"
        try:
            response = self._pool.request(method, self._url + path, **options)
        except urllib3.exceptions.HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise HubspotError(
                f"{place}: unreachable: {_short(reason)}. Next: check the setting `url`, and that the API is up"
            ) from error
        if response.status != 200:
            raise HubspotError(f"{place}: {_refusal(response)}")
        return _decoded(response.data, Page, place)


def _refusal(response: urllib3.BaseHTTPResponse) -> str:
    hints = {
        401: "the token was not accepted. Next: check the setting `token`",
        403: "the token may not read this. Next: give the private app the object's read scope",
        404: "there is no such object type. Next: check the stream's object_type",
    }
    try:
        said = str(msgspec.json.decode(response.data)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        said = response.data[:200].decode("utf-8", "replace")
    return f"status {response.status}: {hints.get(response.status, said)} ({said})"


def _decoded(data: bytes, kind: type[Answer], place: str) -> Answer:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        start = data[:80].decode("utf-8", "replace")
        raise HubspotError(
            f"{place}: the answer is not HubSpot's: {error} in {start!r}. Next: check the setting `url`"
        ) from error


def _short(reason: object) -> str:
    return str(reason).rsplit(">: ", 1)[-1]


def _proxy(url: str) -> str | None:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].partition(":")[0]
    return None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme)
