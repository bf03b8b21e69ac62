"""What holds for every test: the order they come in, and which of them share a process when several work side by side.

Meltano is imported before pytest names the tests under `meltano/` after their folder and so hides the package.
"""

from pathlib import Path

import pytest

import meltano  # noqa: F401

ROOT = Path(__file__).parent
# What takes longest goes first, so that no worker is left alone with it in the end.
LONGEST_FIRST = ("lake", "tests/faults", "tests/bad_days", "tests/yours", "tests/lakehouse", "tests/shopsphere")


def group_of(item: pytest.Item) -> str:
    """All tests on the session's lake share it; other tests share what their folder or their plugin prepares."""
    if "company" in getattr(item, "fixturenames", ()):
        return "lake"
    parts = item.path.relative_to(ROOT).parts
    return "/".join(parts[: 3 if parts[0] == "meltano" else 2])


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for `--dist loadgroup` and put the longest groups first; within a group nothing moves."""
    groups = {item: group_of(item) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    rank = {group: number for number, group in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: (rank.get(groups[item], len(rank)), groups[item]))
