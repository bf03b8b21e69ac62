"""What holds for every test: the order they come in, and which of them share a process when several work side by side.

Meltano is imported before pytest names the tests under `meltano/` after their folder and so hides the package.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

import meltano  # noqa: F401

# Folders whose tests read the session's lake; it is made once, by the worker that has them all.
ON_THE_LAKE = {"tests/acceptance", "tests/cli", "tests/embedded"}
# The same on the real servers, where it takes minutes to make; the other stack tests have servers of their own.
ON_THE_STACKS_LAKE = {f"tests/stack/test_{name}.py" for name in ("dashboards", "parity", "publication", "trino")}
# What takes longest goes first, so that no worker is left alone with it in the end.
LONGEST_FIRST = (
    "the stack's lake",
    "lake",
    "tests/quality",
    "tests/bad_days",
    "tests/faults",
    "tests/yours",
    "tests/lakehouse",
    "tests/ingestion",
)


def group_of(nodeid: str) -> str:
    """The tests of a folder, or of a plugin, share what it prepares."""
    file = nodeid.partition("::")[0]
    if file in ON_THE_STACKS_LAKE:
        return "the stack's lake"
    parts = file.split("/")
    folder = "/".join(parts[: 3 if parts[0] == "meltano" else 2])
    return "lake" if folder in ON_THE_LAKE else folder


class ByGroup(LoadScopeScheduling):
    """Gives a worker the whole of a group (xdist's own groups come to nothing with this pytest)."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """How `pytest -n 2` shares the tests out."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest groups first; within a group nothing moves."""
    rank = {group: number for number, group in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: (rank.get(group_of(item.nodeid), len(rank)), group_of(item.nodeid)))
