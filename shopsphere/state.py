"""Where the company keeps its things, and what day it is there: the authority on `var/sources` and on the company's
clock.

The clock is written last in every step, so it never says that something happened which did not. While a step is under
way its window is noted beside the clock; after a crash the next step finishes that one first, with the same faults.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ecommerce_pipeline.env_file import write_private

FIRST_DAY = date(2017, 1, 1)
LAST_DAY = date(2018, 1, 1)
DEFAULT_SEED = 2017


class CompanyError(RuntimeError):
    """The company cannot do what was asked; the message says why and what to do next."""


@dataclass(frozen=True)
class Window:
    """A half-open span of company time, `after <= t < before`, both naive UTC."""

    after: datetime
    before: datetime

    @classmethod
    def days(cls, first: date | None, last: date) -> Window:
        """From the start of `first` (None: since ever) to the end of `last`."""
        after = datetime(1970, 1, 1) if first is None else datetime.combine(first, time())  # noqa: DTZ001 - naive UTC
        return cls(after, datetime.combine(last, time()) + timedelta(days=1))


@dataclass(frozen=True)
class Clock:
    """The company stands at the end of `day`; `until` and `faults` are set while a step towards `until` is under
    way; `shop` is the kind of server that holds its orders.
    """

    seed: int
    scale: float
    day: date
    until: date | None = None
    faults: float = 0.0
    shop: str = "postgresql"

    def towards(self, until: date, faults: float) -> Clock:
        """The clock as it is noted while the days up to `until` are being written."""
        return replace(self, until=until, faults=faults)

    def arrived(self) -> Clock:
        """The clock once those days are written."""
        return replace(self, day=self.until or self.day, until=None, faults=0.0)


@dataclass(frozen=True)
class Places:
    """The folders and files below `home` (the pipeline's `var/`)."""

    home: Path

    @property
    def sources(self) -> Path:
        """Everything the company owns."""
        return self.home / "sources"

    @property
    def pg(self) -> Path:
        """PostgreSQL's data folder."""
        return self.sources / "pg"

    @property
    def events(self) -> Path:
        """Click events: one folder a day, one JSON-lines file an hour of arrival."""
        return self.sources / "events"

    @property
    def crm(self) -> Path:
        """The legacy CRM's export folder."""
        return self.sources / "crm"

    @property
    def hubspot(self) -> Path:
        """SQLite database behind the HubSpot-like API."""
        return self.sources / "hubspot" / "objects.db"

    @property
    def ledger(self) -> Path:
        """What was broken on purpose, with the truth: one JSON object a line."""
        return self.sources / "ledger" / "faults.jsonl"

    @property
    def pending(self) -> Path:
        """Event lines that reach the collector only after the clock's day."""
        return self.sources / "ledger" / "pending_events.parquet"

    @property
    def clock(self) -> Path:
        """The company's clock."""
        return self.sources / "clock.json"

    @property
    def secrets(self) -> Path:
        """Generated passwords and the API's token, 0600."""
        return self.sources / "secrets.json"

    @property
    def ports(self) -> Path:
        """The TCP ports that were found free and are used again."""
        return self.sources / "ports.json"


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`, {} if there is none; CompanyError if it is damaged."""
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except ValueError as error:
        raise CompanyError(
            f"{path} is not valid JSON ({error}). Next: `shopsphere reset` makes the demo company anew"
        ) from error


def read_clock(home: Path) -> Clock | None:
    """The company's clock, None before the first seed is complete."""
    text = read_json(Places(home).clock)
    if not text:
        return None
    until = text.get("until")
    return Clock(
        text["seed"],
        text["scale"],
        date.fromisoformat(text["day"]),
        date.fromisoformat(until) if until else None,
        text["faults"],
        text.get("shop", "postgresql"),
    )


def write_clock(home: Path, clock: Clock) -> None:
    """Sets the clock; `written_at` is wall-clock time, for people only."""
    text = {**asdict(clock), "written_at": datetime.now(UTC).isoformat(timespec="seconds")}
    write_private(Places(home).clock, json.dumps(text, default=str, indent=1))


def secret(home: Path, name: str) -> str:
    """The generated secret of that name, made on first use."""
    places = Places(home)
    known = read_json(places.secrets)
    if name not in known:
        known[name] = secrets.token_urlsafe(24)
        write_private(places.secrets, json.dumps(known, indent=1))
    return str(known[name])
