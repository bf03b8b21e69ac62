"""Sit the exam and write docs/quality-exam.md.

usage: python -m benchmarks.exam [month] [fifth] [cost] [--scale 0.25] [--home FOLDER]
Two companies: one with a month in which 5 % of all records are broken, then an hour in which every record is; and one
with a month of 20 %. They are founded with the same share of faults four months earlier, so that every kind has its
turn, and the month is loaded in two halves, as it comes. Exit code 1 when a promise is broken; the page says which.
`cost` measures what checks and corrections add to the CPU-seconds of the models; its limit is meant for --scale 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import ROOT, machine

if TYPE_CHECKING:
    from benchmarks.exam.company import Examinee
    from benchmarks.exam.page import Sitting

PAGE = ROOT / "docs" / "quality-exam.md"
FOUNDED, MONTH = date(2017, 4, 30), (date(2017, 5, 15), date(2017, 5, 30))
# not the first of a month: the company sets its prices in steps of whole days only
BURST = (datetime(2017, 5, 31), datetime(2017, 5, 31, 12), datetime(2017, 5, 31, 13), datetime(2017, 6, 1))  # noqa: DTZ001
PARTS = {"month": (0.05, True), "fifth": (0.20, False)}


def main() -> None:
    """Sit what was asked, or all; leaves with 1 when one is failed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("parts", nargs="*", choices=[*PARTS, "cost", []], help="which; both months by default")
    asked.add_argument("--scale", type=float, default=0.25)
    asked.add_argument("--home", type=Path, help="where the companies stand while they are examined")
    options = asked.parse_args()
    home = options.home or Path(tempfile.mkdtemp(prefix="shopsphere-exam-"))
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)  # PostgreSQL's own user must get in when root sits the exam
    for name in [name for name in os.environ if name.startswith("SHOPSPHERE_")]:
        del os.environ[name]
    os.environ["SHOPSPHERE_ENV_FILE"] = str(home / ".env")
    try:
        passed = [_sit(part, home / part, options.scale) for part in options.parts or PARTS]
    finally:
        if not options.home:
            shutil.rmtree(home, ignore_errors=True)
    sys.exit(0 if all(passed) else 1)


def _sit(part: str, home: Path, scale: float) -> bool:
    """Sit one part and write it into the page, between its marks."""
    from benchmarks.exam.page import render

    where = machine()
    if part == "cost":
        from benchmarks.exam.cost import measured

        _write(part, f"{where}; scale {scale:g}.\n\n{measured(home, scale)}")
        return True
    faults, burst = PARTS[part]
    sittings = []
    for one in _month(home, scale, faults, burst=burst):
        sittings.append(one)
        _write(part, f"{where}; scale {scale:g}.\n\n{render(sittings)}")  # at once: the next one may take long
    return all(one.is_passed for one in sittings)


def _write(part: str, text: str) -> None:
    begin, end = f"<!-- exam {part}: written by `python -m benchmarks.exam` -->", f"<!-- /exam {part} -->"
    body = f"{begin}\n\n{text}\n{end}"
    before, _, rest = PAGE.read_text("utf-8").partition(begin)
    PAGE.write_text(f"{before.rstrip()}\n\n{body}\n{rest.partition(end)[2].lstrip()}", "utf-8")
    print(body)


def _month(home: Path, scale: float, faults: float, *, burst: bool) -> Iterator[Sitting]:
    from benchmarks.exam.company import examinee

    started = time.monotonic()
    with examinee(home, scale) as student:
        for day in (FOUNDED, *MONTH):
            student.live(day, faults)
            student.load()
        before = datetime.combine(MONTH[-1] + timedelta(days=1), datetime.min.time())
        yield _marked(student, f"a month, {faults:.0%} broken", before, started)
        if burst:
            started = time.monotonic()
            student.live_hours(BURST[1], faults, since=BURST[0])
            student.live_hours(BURST[2], 1.0, since=BURST[1])
            student.load()
            student.live_hours(BURST[3], faults, since=BURST[2])
            student.load()
            yield _marked(student, "an hour with everything broken, on top of it", BURST[3], started)


def _marked(student: Examinee, title: str, before: datetime, started: float) -> Sitting:
    from benchmarks.exam import marking, sums
    from benchmarks.exam.page import Sitting
    from ecommerce_pipeline.lakehouse import reader

    with reader.connect(student.settings) as lake:
        marks = marking.mark(student, lake, before)
        added_up = sums.sums(student, lake, before)
        wrong = sums.minutes_unlike_the_truth(student, lake, before)
    return Sitting(title, marks, added_up, wrong, time.monotonic() - started)


if __name__ == "__main__":
    main()
