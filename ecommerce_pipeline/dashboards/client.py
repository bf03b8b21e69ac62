"""Superset's REST API, as much of it as the pipeline needs: the authority on signing in and on what a refusal means."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from ecommerce_pipeline.dashboards import files, server
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.settings import Settings

PAGE = 100
# Pages of an unordered listing may overlap; each resource may be ordered by a few columns only.
ORDERS = {
    "chart": "slice_name", "dashboard": "dashboard_title", "dataset": "table_name", "database": "database_name",
}  # fmt: skip
Json = dict[str, Any]


class RefusedError(DashboardsError):
    """Superset answered with an error; `status` is its HTTP number."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Client:
    """A signed-in session; each call raises RefusedError, or DashboardsError when nobody answers."""

    def __init__(self, url: str, user: str, password: str, seconds: float = 120.0) -> None:
        self.url, self._seconds = url.rstrip("/"), seconds
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._headers: dict[str, str] = {"Referer": self.url}
        signing_in = {"username": user, "password": password, "provider": "db", "refresh": False}
        try:
            answer = self.post("/api/v1/security/login", signing_in)
        except RefusedError as refused:
            raise DashboardsError(
                f"{self.url} does not let {user!r} in ({refused}). "
                "Next: put the right SHOPSPHERE_SUPERSET_PASSWORD into .env"
            ) from None
        self._headers["Authorization"] = f"Bearer {answer['access_token']}"
        self._headers["X-CSRFToken"] = self.get("/api/v1/security/csrf_token/")["result"]

    @classmethod
    def of(cls, settings: Settings) -> Client:
        """Signed in as the pipeline's own user; raises DashboardsError when the server does not run."""
        url = server.address(settings)
        if not server.answers(url, seconds=10):
            raise DashboardsError(f"no dashboard server answers at {url}. Next: `make dashboards`")
        return cls(url, *server.credentials(settings))

    def get(self, path: str) -> Json:
        """The JSON at a path."""
        return dict(json.loads(self._call("GET", path)))

    def post(self, path: str, body: Any) -> Json:
        """Sends JSON, gives the JSON that comes back."""
        return dict(json.loads(self._call("POST", path, json.dumps(body).encode()) or b"{}"))

    def put(self, path: str, body: Any) -> Json:
        """As `post`, changing what is there."""
        return dict(json.loads(self._call("PUT", path, json.dumps(body).encode()) or b"{}"))

    def delete(self, path: str) -> None:
        """Removes what is there."""
        self._call("DELETE", path)

    def listing(self, resource: str, columns: str = "") -> Iterator[Json]:
        """Every object of a resource, page by page; `columns` names the fields wanted, comma-separated."""
        page, wanted = 0, f",columns:!({columns})" if columns else ""
        if resource in ORDERS:
            wanted += f",order_column:{ORDERS[resource]},order_direction:asc"
        while True:
            query = quote(f"(page:{page},page_size:{PAGE}{wanted})", safe="!():,")
            found = self.get(f"/api/v1/{resource}/?q={query}")["result"]
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    def exported(self) -> dict[str, Json]:
        """Every chart, dataset, dashboard and database there is, as YAML by file name."""
        return unpack(self._call("GET", "/api/v1/assets/export/"))

    def imported(self, bundle: Mapping[str, Any]) -> None:
        """Makes the server's objects like these files, all of them in one transaction or none."""
        self._upload("/api/v1/assets/import/", pack(bundle))

    def _upload(self, path: str, content: bytes) -> None:
        boundary = uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="bundle"; filename="assets.zip"\r\n'
            "Content-Type: application/zip\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        self._call("POST", path, body, f"multipart/form-data; boundary={boundary}")

    def _call(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        headers = {**self._headers, **({"Content-Type": kind} if body is not None else {})}
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=self._seconds) as response:
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            raise RefusedError(_reason(method, path, error), error.code) from None
        except OSError as error:
            raise DashboardsError(
                f"the dashboard server at {self.url} does not answer ({error}). Next: `make dashboards`"
            ) from None


def pack(content: Mapping[str, Any]) -> bytes:
    """A bundle as Superset imports it, under one folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, body in content.items():
            bundle.writestr(f"assets/{name}", files.dump(body))
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, Json]:
    """The YAML files of a bundle, without the folder they are under."""
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return {
            name.split("/", 1)[1]: files.load(bundle.read(name))
            for name in bundle.namelist()
            if name.endswith((".yaml", ".yml"))
        }


def _reason(method: str, path: str, error: urllib.error.HTTPError) -> str:
    text = error.read().decode("utf-8", errors="replace")
    try:
        said = json.loads(text)
        said = said.get("errors") or said.get("message") or said
    except ValueError:
        said = text
    return f"Superset answered {error.code} to {method} {path.split('?', maxsplit=1)[0]}: {str(said)[:1500]}"
