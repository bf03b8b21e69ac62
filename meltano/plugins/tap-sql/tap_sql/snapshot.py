"""Which rows a PostgreSQL snapshot saw: the arithmetic behind exact incremental reading.

Every row version carries in `xmin` the transaction that wrote it. A run notes its snapshot; the next one takes the
rows whose transaction that snapshot did not see. So a transaction that was open while we read, and commits hours
later with an old `updated_at`, is found: no lag to tune, no gap, no row twice.

Two traps, both real. (1) `xmin` is the low half of a 64-bit number: it is compared by its distance to the next
transaction id, modulo 2³², which is exact for everything younger than 2³¹ transactions; an older snapshot does not
hold any more. (2) A snapshot lists open transactions, but a row written inside a savepoint carries the id of the
subtransaction, which is not listed (PostgreSQL's own pg_visible_in_snapshot is wrong for those). So between the
snapshot's xmin and xmax nothing is derived from the list: the ids that were in fact read are noted in the bookmark as
`seen`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HALF = 2**31
LOW = 2**32 - 1
FIRST_NORMAL = 3  # 0, 1 and 2 mark invalid, bootstrap and frozen rows, all visible to everybody
MAX_SEEN = 20_000


@dataclass(frozen=True)
class Snapshot:
    """PostgreSQL's `xmin:xmax:in-progress` with 64-bit ids."""

    xmin: int
    xmax: int

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Read pg_current_snapshot()::text; raises ValueError if it is none."""
        low, high, *_ = text.split(":")
        return cls(int(low), int(high))

    @property
    def quiet(self) -> bool:
        """No transaction that writes was open."""
        return self.xmin == self.xmax

    def holds(self, now: Snapshot) -> bool:
        """Whether row ids can still be compared with it: it lies in the past of `now`, and not too far."""
        return self.xmax <= now.xmax and now.xmax - self.xmin < HALF


def is_newer(row_xmin: int, boundary: int, next_id: int) -> bool:
    """Whether the 32-bit `row_xmin` names a transaction at or after the 64-bit `boundary`.

    What `newer_sql` says in SQL.
    """
    return row_xmin >= FIRST_NORMAL and ((next_id - row_xmin) & LOW) <= next_id - boundary


def newer_sql(boundary: int, next_id: int) -> str:
    """SQL condition on `xmin` for rows written at or after `boundary`; `next_id` is the current snapshot's xmax."""
    return (
        f"(xmin::text::bigint >= {FIRST_NORMAL} and (({next_id} - xmin::text::bigint) & {LOW}) <= {next_id - boundary})"
    )


def unseen_sql(previous: Snapshot, now: Snapshot, seen: Iterable[int]) -> str:
    """SQL condition for the rows that a run with snapshot `previous`, which read the ids `seen`, did not read."""
    low_halves = sorted(xid & LOW for xid in seen)
    newer = newer_sql(previous.xmin, now.xmax)
    return f"({newer} and xmin::text::bigint not in ({', '.join(map(str, low_halves))}))" if low_halves else newer


def full_id(row_xmin: int, next_id: int) -> int:
    """The 64-bit id of a row's transaction, seen from the next id."""
    return next_id - ((next_id - row_xmin) & LOW)
