"""How far a first reading of large files is, and how long it will still take."""

from __future__ import annotations

import pytest
from tap_files.pace import Pace


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (4_000_000_000, "s: 1,000,000 rows read, 100,000 rows/s, 10%, about 1 min 30 s left"),
        (400_000_000_000, "s: 1,000,000 rows read, 100,000 rows/s, 0%, about 2 h 46 min left"),
        (None, "s: 1,000,000 rows read, 100,000 rows/s"),
        (400_000_000, "s: 1,000,000 rows read, 100,000 rows/s"),
    ],
)
def test_the_time_left_is_told_by_the_bytes_that_are_left(total, said):
    pace = Pace("s", total)
    pace.add(600_000, 300_000_000)
    pace.add(400_000, 100_000_000)
    assert pace.line(10.0) == said


def test_within_one_large_file_it_is_told_as_well(caplog, monkeypatch):
    monkeypatch.setattr("tap_files.pace.SECONDS", -1.0)
    with caplog.at_level("INFO", "tap-files"):
        pace = Pace("s", 100)
        pace.add(1, 25)
        pace.add(1, 25)
    assert ["25%" in caplog.messages[0], "50%" in caplog.messages[1]] == [True, True]
