"""The bookmark of an incremental stream: the authority on what has been read.

It is the time of the latest change that was read, and the ids read within the overlap before it. A search shows some
changes minutes late, and two changes may carry the same time; so the next run reaches back by the overlap and passes
over what is remembered here. Nothing is lost and nothing comes twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from tap_hubspot.reading import milliseconds

ARCHIVED = "-"
"""Before the id of an object that was read as archived: the living one of the same time is another version."""
MOST_REMEMBERED = 5_000
"""Ids kept at most: the bookmark stands in the table's properties. Beyond it, some changes may come twice."""


class Bookmark:
    """What has been read, and what of it is to be passed over."""

    def __init__(self, value: int | None, seen: Mapping[str, int]) -> None:
        self.value = value
        self._seen = dict(seen)

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> Self:
        """From the state of an earlier run; empty if there was none."""
        value = state.get("replication_key_value")
        seen = {one: int(moment) for moment, ids in state.get("seen", {}).items() for one in ids}
        return cls(None if value is None else milliseconds(value), seen)

    def known(self, identity: str, moment: int) -> bool:
        """Whether this version of the object was read before."""
        return self._seen.get(identity) == moment

    def add(self, identity: str, moment: int) -> None:
        """This version has been read."""
        self.value = moment if self.value is None else max(self.value, moment)
        self._seen[identity] = moment

    def forget(self, overlap: int) -> None:
        """Drop what the next run will not reach back to (ms)."""
        if self.value is not None:
            self._seen = {one: moment for one, moment in self._seen.items() if moment > self.value - overlap}

    def state(self) -> dict[str, Any]:
        """The bookmark for the next run, ids grouped by their time."""
        if self.value is None:
            return {}
        latest = sorted(self._seen.items(), key=lambda item: (item[1], item[0]))[-MOST_REMEMBERED:]
        seen: dict[str, list[str]] = {}
        for identity, moment in latest:
            seen.setdefault(str(moment), []).append(identity)
        text = datetime.fromtimestamp(self.value / 1000, UTC).isoformat(timespec="milliseconds")
        return {"replication_key": "updated_at", "replication_key_value": text, "seen": seen}
