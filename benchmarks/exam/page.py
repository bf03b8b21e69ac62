"""The exam's page: the marks as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.exam.marking import KindMark, Marks
from benchmarks.exam.sums import Sum

CONSEQUENCE = {"quarantine": "quarantined", "corrections": "corrected", "findings": "reported", "rejects": "rejected"}


@dataclass(frozen=True)
class Sitting:
    """One sitting of the exam."""

    title: str
    marks: Marks
    sums: Sequence[Sum]
    minutes_wrong: int
    seconds: float

    @property
    def is_passed(self) -> bool:
        """Every fault that can be seen is caught, no clean record is touched, the tables are true and the sums hold."""
        return not (
            any(kind.missed for kind in self.marks.kinds)
            or self.marks.touched
            or self.marks.error_share > 0.001
            or any(one.difference for one in self.sums)
            or self.minutes_wrong
        )


def render(sittings: Sequence[Sitting]) -> str:
    """All sittings: a summary, then each in full."""
    head = [
        "| sitting | faults | to be seen | caught | clean records touched | rows untrue, untold | passed |",
        "|---|---|---|---|---|---|---|",
        *map(_summary, sittings),
    ]
    return "\n".join([*head, "", *(line for one in sittings for line in _in_full(one))])


def _summary(one: Sitting) -> str:
    kinds = one.marks.kinds
    made, caught = sum(kind.made for kind in kinds), sum(kind.caught for kind in kinds)
    seen = made - sum(kind.unseen.total() for kind in kinds)
    silent = sum(len(table.silent) + len(table.lost) for table in one.marks.tables)
    return (
        f"| {one.title} | {made:,} | {seen:,} | {caught:,} ({caught / max(seen, 1):.2%}) | {len(one.marks.touched)} "
        f"| {silent:,} of {one.marks.published:,} ({one.marks.error_share:.3%}) | {'yes' if one.is_passed else 'NO'} |"
    )


def _in_full(one: Sitting) -> Iterable[str]:
    yield f"## {one.title}\n"
    yield "| table | kind of fault | dimension | layer | rule | made | not to be seen | caught |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from map(_kind, one.marks.kinds)
    yield "\nBy dimension and layer:\n"
    yield "| dimension | layer | to be seen | caught |"
    yield "|---|---|---|---|"
    yield from _grouped(one.marks.kinds)
    yield "\n| table | published | as in truth | unlike it, told | unlike it, untold | held back | lost |"
    yield "|---|---|---|---|---|---|---|"
    for table in one.marks.tables:
        yield (
            f"| {table.name} | {table.published:,} | {table.equal:,} | {table.told:,} | {len(table.silent):,} "
            f"| {table.held:,} | {len(table.lost):,} |"
        )
    yield "\n| whole | | parts | difference |"
    yield "|---|---|---|---|"
    for row in one.sums:
        parts = " + ".join(f"{name} {value:,}" for name, value in row.parts.items())
        yield f"| {row.name} | {row.whole:,} | {parts} | {row.difference:,} |"
    yield f"\nMinutes whose count of events is not the truth's: {one.minutes_wrong}.\n"
    dirt = "; ".join(
        f"{source} {rule}: {count:,} {_word(status)}"
        for (source, rule, status), count in sorted(one.marks.dirt.items())
    )
    yield f"Real dirt of the data, reported: {dirt or 'none'}.\n"


def _kind(kind: KindMark) -> str:
    unseen = "; ".join(f"{count:,} {why}" for why, count in kind.unseen.items())
    rules = ", ".join(kind.expected.rules)
    place = f"{rules} ({CONSEQUENCE[kind.expected.place]})" if rules else ""
    return (
        f"| {kind.source} | {kind.kind} | {kind.dimension} | {kind.expected.layer} | {place} "
        f"| {kind.made:,} | {unseen} | {kind.caught:,} |"
    )


def _grouped(kinds: Iterable[KindMark]) -> Iterable[str]:
    seen, caught = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for kind in kinds:
        if kind.dimension:
            seen[kind.dimension, kind.expected.layer] += kind.made - kind.unseen.total()
            caught[kind.dimension, kind.expected.layer] += kind.caught
    return (f"| {key[0]} | {key[1]} | {count:,} | {caught[key]:,} |" for key, count in sorted(seen.items()))


def _word(status: str) -> str:
    return {"open": "held in quarantine", "kept": "published as they are", "inferred": "given a row of their own"}.get(
        status, status
    )
