"""The examination behind `shopsphere doctor`: one small check a thing, each saying what was found and what to do.

A check never raises and never changes anything; one that cannot be made says why.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import socket
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from ecommerce_pipeline.operations import room
from ecommerce_pipeline.settings import Settings

DISK_GB, MEMORY_GB = 5, 3
SECONDS = 3.0
State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, what was found, and what to do if it is not well."""

    what: str
    state: State
    found: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """All findings, one after the other."""
    for check in CHECKS:
        yield from check(settings)


def _python(_settings: Settings) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    fit = (3, 11) <= sys.version_info[:2] < (3, 13)
    yield Finding("Python", "ok" if fit else "wrong", version, "" if fit else "make setup PYTHON=/path/to/python3.12")


def _packages(settings: Settings) -> Iterator[Finding]:
    """Every package pinned in pyproject.toml is installed in that version."""
    pins = re.findall(
        r'^  "([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^"]+)"', (settings.root / "pyproject.toml").read_text(), re.M
    )
    wrong = [f"{name} {found or 'missing'}" for name, pin in pins if (found := _installed(name)) != pin]
    # the demo company's and the developer's packages may be left out
    needed = [line for line in wrong if not line.endswith("missing")] + _missing_needed(wrong)
    if needed:
        yield Finding("packages", "wrong", f"not as pinned: {', '.join(needed[:5])}", "make setup")
    else:
        yield Finding("packages", "ok", f"{len(pins)} as pinned")


def _missing_needed(wrong: list[str]) -> list[str]:
    required = {
        re.split(r"[\s\[<>=;]", line, maxsplit=1)[0] for line in importlib.metadata.requires("ecommerce-pipeline") or ()
    }
    return [line for line in wrong if line.endswith("missing") and line.split()[0] in required]


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _disk(settings: Settings) -> Iterator[Finding]:
    free = room.disk(settings) / 1e9
    fit = free >= DISK_GB
    yield Finding(
        "disk",
        "ok" if fit else "wrong",
        f"{free:.1f} GB free at {room.place(settings)}",
        "" if fit else f"free {DISK_GB} GB",
    )


def _memory(_settings: Settings) -> Iterator[Finding]:
    found = Path("/proc/meminfo")
    if found.exists():
        kilobytes = int(re.search(r"MemAvailable:\s+(\d+)", found.read_text())[1])  # type: ignore[index]
        free = kilobytes / 1e6
        advice = "" if free >= MEMORY_GB else f"close something: a run needs up to {MEMORY_GB} GB"
        yield Finding("memory", "ok" if free >= MEMORY_GB else "warning", f"{free:.1f} GB available", advice)


def _env_file(settings: Settings) -> Iterator[Finding]:
    path = settings.env_file
    if not path.exists():
        yield Finding(".env", "warning", "not there", "`shopsphere demo` writes it, or copy .env.example")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    private = not mode & 0o077
    yield Finding(".env", "ok" if private else "wrong", f"mode {mode:o}", "" if private else f"chmod 600 {path}")


def _ports(_settings: Settings) -> Iterator[Finding]:
    with socket.socket() as probe:
        free = probe.connect_ex(("127.0.0.1", 3000)) != 0
    advice = "" if free else "`shopsphere dev --port 3001`, unless this is its UI"
    yield Finding("port 3000", "ok" if free else "warning", "free" if free else "taken", advice)


def _catalog(settings: Settings) -> Iterator[Finding]:
    """The catalog opens, and the lake still stands where its files say (a moved clone does not)."""
    from ecommerce_pipeline.lakehouse.catalog import open_catalog
    from ecommerce_pipeline.lakehouse.errors import LakehouseError
    from ecommerce_pipeline.lakehouse.tables import table_statuses

    on_sqlite = settings.profile == "embedded" and not settings.lake_catalog_uri.get_secret_value()
    if on_sqlite and not (settings.lake_dir / "catalog.db").exists():
        yield Finding("catalog", "warning", "no lake yet", "`shopsphere demo`, or `shopsphere materialize`")
        return
    try:
        open_catalog(settings)
        yield Finding("catalog", "ok", f"{len(table_statuses(settings))} tables")
    except (LakehouseError, OSError) as error:
        found, _, advice = str(error).partition("Next: ")
        yield Finding("catalog", "wrong", found.strip(), advice)


def _sources(settings: Settings) -> Iterator[Finding]:
    for name, address in (
        ("shop database", settings.shop_url.get_secret_value()),
        ("catalog database", settings.catalog_url.get_secret_value()),
    ):
        yield _database(name, address)
    yield _api(settings)
    for name, folder in (("web events", settings.web_events_path), ("CRM exports", settings.crm_path)):
        there = "://" in folder or Path(folder).is_dir()
        yield Finding(
            name, "ok" if there else "warning", folder, "" if there else "`shopsphere up`, or set its path in .env"
        )


def _database(name: str, address: str) -> Finding:
    if not address:
        return Finding(
            name, "warning", "no address in the settings", "`shopsphere demo`, or set SHOPSPHERE_…_URL in .env"
        )
    parts = urlsplit(address)
    port = parts.port or (3306 if parts.scheme.startswith("mysql") else 5432)
    try:
        with socket.create_connection((parts.hostname or "", port), SECONDS):
            return Finding(name, "ok", f"answers on {parts.hostname}:{port}")
    except OSError as error:
        return Finding(
            name,
            "wrong",
            f"{parts.hostname}:{port}: {error}",
            "`shopsphere up` for the demo; else mend its URL in .env",
        )


def _api(settings: Settings) -> Finding:
    token = settings.hubspot_token.get_secret_value()
    if not token:
        return Finding(
            "HubSpot API", "warning", "no token in the settings", "`shopsphere demo`, or set SHOPSPHERE_HUBSPOT_TOKEN"
        )
    address = f"{settings.hubspot_url}/crm/v3/objects/contacts?limit=1"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 (an address of the settings)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310 (as above)
            return Finding("HubSpot API", "ok", f"answers at {settings.hubspot_url}")
    except urllib.error.HTTPError as error:
        return Finding("HubSpot API", "wrong", f"{settings.hubspot_url}: HTTP {error.code}", "check the token in .env")
    except OSError as error:
        return Finding(
            "HubSpot API",
            "wrong",
            f"{settings.hubspot_url}: {error}",
            "`shopsphere up` for the demo; else mend its URL",
        )


def _alerts(settings: Settings) -> Iterator[Finding]:
    """Somebody is told when something breaks."""
    to = len(settings.alerts_to.get_secret_value().split())
    advice = "" if to else "set SHOPSPHERE_ALERTS_TO in .env, then `shopsphere alerts test`"
    yield Finding("alerts", "ok" if to else "warning", f"{to} addresses" if to else "nobody is told", advice)


def _writable(settings: Settings) -> Iterator[Finding]:
    place = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    fit = os.access(place, os.W_OK)
    yield Finding(
        "home folder", "ok" if fit else "wrong", str(settings.home), "" if fit else f"no right to write: chown {place}"
    )


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _python,
    _packages,
    _writable,
    _disk,
    _memory,
    _ports,
    _env_file,
    _catalog,
    _sources,
    _alerts,
)
