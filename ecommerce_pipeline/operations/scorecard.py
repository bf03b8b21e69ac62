"""ShopSphere's own goals, measured: processing time, errors, availability, and what a thousand orders cost.

Everything is computed from what runs and checks left in the lake (ops.pipeline_runs, quality.results), over the last
`DAYS` days, or since the first run if that is later. What is not in there is not claimed: an error that no rule can
see, and the minutes in which a server was down between two runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.tables import existing
from ecommerce_pipeline.operations import history, pipeline_runs
from ecommerce_pipeline.operations.history import EndedRun
from ecommerce_pipeline.operations.instance import open_instance
from ecommerce_pipeline.operations.jobs import DAILY_UPDATE
from ecommerce_pipeline.operations.policies import DEADLINE
from ecommerce_pipeline.settings import Settings

DAYS = 30
MARTS = frozenset({"executive", "finance", "growth", "marketing", "ml", "product"})  # schemas that people read
ORDERS = "core.fct_orders"
RESULTS = ("quality", "results")
MADE_SQL = "select run_id, asset, step, rows, bytes, cpu_seconds, status from ops.pipeline_runs"
# the last publication before the days that count: it may last into them
BEFORE_SQL = (
    "select asset, max(started) from ops.pipeline_runs "
    "where status = 'succeeded' and started < timestamp '{since}' group by asset"
)
CHECKED_SQL = (
    "select run_id, source_system || '.' || source_table, max(rows_checked), sum(failed), sum(corrected), "
    "sum(quarantined) + sum(rejected) + sum(left_out) from quality.results group by 1, 2"
)


@dataclass(frozen=True)
class Figure:
    """One goal: where ShopSphere stood, what it wants, what was measured, whether that is reached (None: no goal is
    set), how it changed, and what exactly was counted.
    """

    name: str
    before: str
    goal: str
    measured: str
    reached: bool | None
    trend: str
    counted: str


class Made(NamedTuple):
    """What a run made of one asset: a row of ops.pipeline_runs, as `MADE_SQL` names its columns."""

    run_id: str
    asset: str
    step: str
    rows: int | None
    bytes: int | None
    cpu_seconds: float | None
    status: str


class Prices(NamedTuple):
    """USD for an hour of one CPU, and for a GB (10^9 bytes) kept for a month."""

    cpu_hour: float = 0.04
    gb_month: float = 0.023


def scorecard(settings: Settings, now: datetime, prices: Prices) -> list[Figure]:
    """The figures as of `now` (UTC); empty when no run has ended yet. Raises LakehouseError."""
    since = now - timedelta(days=DAYS)
    with open_instance(settings) as instance:
        runs = {run.run_id: run for run in history.ended_since(instance, since)}
    needed = {pipeline_runs.IDENTIFIER, RESULTS}
    if existing(settings, needed) != needed:
        return []
    with reader.connect(settings) as connection:
        found = list(map(Made._make, connection.execute(MADE_SQL).fetchall()))
        checked = connection.execute(CHECKED_SQL).fetchall()
        before = connection.execute(BEFORE_SQL.format(since=f"{since:%Y-%m-%d %H:%M:%S}")).fetchall()
    there = existing(
        settings, {tuple(asset.split(".")) for asset, _ in before}
    )  # a mart that was dropped is not missed
    seen = {asset: at.replace(tzinfo=UTC) for asset, at in before if tuple(asset.split(".")) in there}
    if not runs and not seen:
        return []
    made = sorted((row for row in found if row.run_id in runs), key=lambda row: runs[row.run_id].started)
    return [
        processing_time(list(runs.values())),
        errors(runs.keys(), checked),
        availability(made, runs, now, seen),
        *costs(made, prices),
    ]


def processing_time(runs: Sequence[EndedRun]) -> Figure:
    """Wall clock of the daily runs that succeeded, from their start to their end."""
    good = [run for run in runs if run.job == DAILY_UPDATE and run.succeeded]
    walls = [(run.ended - run.started).total_seconds() for run in good]
    if not walls:
        return Figure("processing time", "12 h", "< 2 h", "no daily run succeeded yet", None, "", "daily runs")
    return Figure(
        "processing time",
        "12 h",
        "< 2 h",
        f"{walls[-1]:.0f} s (median {median(walls):.0f} s, longest {max(walls):.0f} s)",
        max(walls) < timedelta(hours=2).total_seconds(),
        _trend(walls),
        f"{len(walls)} daily runs, start to end",
    )


def errors(runs: Collection[str], checked: Iterable[Sequence[Any]]) -> Figure:
    """Records with a fault that some rule sees, as they came, and how many of them reached a table uncorrected."""
    mine = [row for row in checked if row[0] in runs]
    came, failed, corrected, held = (sum(int(row[column] or 0) for row in mine) for column in (2, 3, 4, 5))
    left = failed - corrected - held
    share = left / came if came else 0.0
    return Figure(
        "errors in what is published",
        "5 %",
        "< 1 %",
        f"{share:.3%} known" if came else "nothing was checked yet",
        share < 0.01 if came else None,
        "",
        f"{came:,} records came, {failed:,} faults found: {corrected:,} corrected, {held:,} held back",
    )


def availability(
    made: Sequence[Made], runs: Mapping[str, EndedRun], now: datetime, before: Mapping[str, datetime] | None = None
) -> Figure:
    """Share of the minutes in which a mart was within its deadline, over all marts, in the last `DAYS` days, or since
    each was first published. `before`: when assets were last published before those days (UTC).
    """
    seen = before or {}
    published = {asset: [at] for asset, at in seen.items() if asset.split(".")[0] in MARTS}
    for row in made:
        if row.status == "succeeded" and row.asset.split(".")[0] in MARTS:
            published.setdefault(row.asset, []).append(runs[row.run_id].ended)
    shares = {mart: _covered(sorted(times), now - timedelta(days=DAYS), now) for mart, times in published.items()}
    if not shares:
        return Figure("availability", "95 %", "99.9 %", "no mart was published yet", None, "", "marts")
    worst = min(shares, key=lambda mart: shares[mart])
    share = sum(shares.values()) / len(shares)
    return Figure(
        "availability",
        "95 %",
        "99.9 %",
        f"{share:.2%}",
        share >= 0.999,
        "",
        f"{len(shares)} marts, within {DEADLINE.total_seconds() / 3600:.0f} h of their last publication; "
        f"least {worst} {shares[worst]:.2%}",
    )


def costs(made: Sequence[Made], prices: Prices) -> list[Figure]:
    """CPU, bytes and money for a thousand orders: of what the runs used, by the orders they brought; oldest first."""
    held = [(row.run_id, row.rows) for row in made if row.asset == ORDERS and row.rows is not None]
    orders = [rows for _, rows in held]
    size = sum({row.asset: row.bytes for row in made if row.bytes is not None}.values())
    if not orders or not orders[-1]:
        return []
    brought, working = orders[-1], made
    if orders[-1] > orders[0]:  # what the first run holds, it and those before it brought, and their CPU is theirs
        brought, working = orders[-1] - orders[0], _after(made, held[0][0])
    used = sum({(row.run_id, row.step): row.cpu_seconds or 0.0 for row in working}.values())
    thousands, kept = brought / 1000, orders[-1] / 1000
    money = used / 3600 * prices.cpu_hour / thousands + size / 1e9 * prices.gb_month / kept
    what = f"{brought:,} orders brought by these runs, {orders[-1]:,} held"
    return [
        Figure("CPU per 1,000 orders", "", "", f"{used / thousands:,.1f} s", None, "", what),
        Figure("bytes per 1,000 orders", "", "", f"{size / kept / 1e6:,.2f} MB", None, "", "current snapshots"),
        Figure(
            "cost per 1,000 orders",
            "",
            "",
            f"${money:,.4f}",
            None,
            "",
            f"at ${prices.cpu_hour} a CPU hour, ${prices.gb_month} a GB and month, for one month",
        ),
    ]


def _after(made: Sequence[Made], run_id: str) -> Sequence[Made]:
    """What later runs made."""
    return made[max(number for number, row in enumerate(made) if row.run_id == run_id) + 1 :]


def _covered(times: Sequence[datetime], since: datetime, now: datetime) -> float:
    """Share of the time from `since`, or from the first publication if that is later, in which the last one was younger
    than the deadline.
    """
    begin = max(times[0], since)
    whole = (now - begin).total_seconds()
    ends: Mapping[datetime, datetime] = dict(zip(times, [*times[1:], now], strict=True))
    fresh = [min(end, start + DEADLINE) - max(start, begin) for start, end in ends.items()]
    return sum(max(span.total_seconds(), 0.0) for span in fresh) / whole if whole > 0 else 1.0


def _trend(values: Sequence[float]) -> str:
    """The median of the last five against that of the five before."""
    last, before = values[-5:], values[-10:-5]
    if not before:
        return ""
    change = median(last) / median(before) - 1
    return f"{change:+.0%}"
