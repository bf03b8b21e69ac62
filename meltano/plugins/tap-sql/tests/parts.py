"""A source with a table t and the lake it is read into in parts; a run can be cut off behind a commit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from lake import Lake
from tap_sql.engines import engine_for
from tap_sql.extract import Extraction
from tap_sql.settings import parse_settings

from conftest import Sent, Source

ROWS = 5000


class Pair:
    """The source, and a lake in the folder."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source, self.lake = source, Lake(folder / "lake")

    def messages(self, **settings: Any) -> list[dict[str, Any]]:
        """What a run from the lake's state says."""
        sent, given = Sent(keep_files=True), parse_settings(self.source.config | {"part_rows": 1000} | settings)
        with engine_for(given).connect() as session:
            Extraction(given, session, self.lake.state, sent.emit).run(self.source.selected())
        return sent.messages

    def run(self, commits: int | None = None, **settings: Any) -> None:
        """A run; with `commits` it is cut off behind so many parts."""
        messages = self.messages(**settings)
        if commits is not None:
            places = [n for n, message in enumerate(messages) if message.get("x-commit")]
            messages = messages[: places[commits - 1] + 2]  # with a batch behind it that no STATE covers
        self.lake.load(messages)

    def rows(self) -> Counter[tuple[int, str]]:
        """How often each version stands in the lake."""
        return Counter((row["id"], row["v"]) for row in self.lake.rows("t"))
