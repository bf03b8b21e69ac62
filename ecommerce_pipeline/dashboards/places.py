"""Where the dashboard server keeps its things: the authority on its folder and on its generated secrets.

Everything below it is the server's own. Nothing is shared with the demo company, whose folder a team deletes.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.ports import any_free, is_free
from ecommerce_pipeline.settings import Settings


@dataclass(frozen=True)
class Places:
    """The folders and files of one home."""

    home: Path

    @classmethod
    def of(cls, settings: Settings) -> Places:
        """Those below these settings' home; each profile's server has its own."""
        return cls((settings.stack_dir if settings.profile == "stack" else settings.home) / "superset")

    @property
    def postgres(self) -> Path:
        """Data folder of the PostgreSQL that holds Superset's metadata."""
        return self.home / "pg"

    @property
    def cache(self) -> Path:
        """Cached answers and filter states."""
        return self.home / "cache"

    @property
    def lake(self) -> Path:
        """What Superset reads: a link to the latest file of views."""
        return self.home / "lake.duckdb"

    @property
    def secrets(self) -> Path:
        """Generated passwords and keys, 0600."""
        return self.home / "secrets.json"

    @property
    def ports(self) -> Path:
        """The TCP ports that were found free and are used again."""
        return self.home / "ports.json"

    @property
    def server(self) -> Path:
        """What the server reads when it starts, 0600."""
        return self.home / "server.json"

    @property
    def clock(self) -> Path:
        """When the mail's clock last looked for what is due."""
        return self.home / "clock"

    @property
    def mailing(self) -> Path:
        """The process id of the mail's worker, written when it is ready."""
        return self.home / "mailing"


def secret(places: Places, name: str) -> str:
    """The generated secret of that name, made on first use."""
    known = read_json(places.secrets)
    if name not in known:
        known[name] = secrets.token_urlsafe(24)
        write_private(places.secrets, json.dumps(known, indent=1))
    return str(known[name])


def port(places: Places, name: str, wanted: int, is_ours: Callable[[int], bool]) -> int:
    """The port recorded for `name` while it is free or ours; else `wanted` if that is free, else any free one."""
    known = read_json(places.ports)
    chosen = known.get(name)
    if chosen and (is_free(chosen) or is_ours(chosen)):
        return int(chosen)
    known[name] = wanted if wanted and is_free(wanted) else any_free()
    write_private(places.ports, json.dumps(known))
    return int(known[name])


def known_port(places: Places, name: str) -> int | None:
    """The port recorded for `name`, None before the first start."""
    found = read_json(places.ports).get(name)
    return int(found) if found else None


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`, {} if there is none; DashboardsError if it is damaged."""
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except ValueError as error:
        raise DashboardsError(
            f"{path} is not valid JSON ({error}). Next: restore it from a backup; without one, "
            "`shopsphere reset` makes the dashboard server anew"
        ) from error
