"""What a look at the lakehouse may find: something wrong, or something that is well again. All times are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dagster import AssetKey

Kind = Literal["run", "check", "deadline", "quarantine", "revenue", "freshness", "volume", "lake", "disk", "memory"]


@dataclass(frozen=True)
class Wrong:
    """Something is wrong. `key` is the incident: as long as it is open, the same key is told of once. `tables` are
    those directly concerned; `owners` those who are asked besides the tables' own.
    """

    key: str
    kind: Kind
    what: str
    since: datetime
    cause: str = ""
    tables: tuple[AssetKey, ...] = ()
    owners: tuple[str, ...] = ()
    run_id: str = ""


@dataclass(frozen=True)
class Healed:
    """What was wrong under this key is well, since `at`; what opened later than that is not meant, unless it is the
    present that was looked at.
    """

    key: str
    at: datetime
    is_present: bool = False


Finding = Wrong | Healed
