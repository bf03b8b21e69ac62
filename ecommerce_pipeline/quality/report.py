"""The figures of the data-quality report, read from the quality tables of the last publication.

A score is the share of records that broke no rule, of all that a run brought. A run may bring a day or a year, so the
trend is by run, under the moment it started (ops.pipeline_runs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.tables import existing
from ecommerce_pipeline.quality import streams
from ecommerce_pipeline.quality.errors import QualityError
from ecommerce_pipeline.settings import Settings

DIMENSIONS = ("completeness", "accuracy", "consistency", "timeliness", "uniqueness")
RUNS, TOP = 30, 12
SCORECARD = ("quality", "scorecard")


class RunScores(NamedTuple):
    """A run: when it started (UTC; None for one that was not recorded), records checked, and records that broke a rule
    of each dimension.
    """

    started: datetime | None
    rows_checked: int
    broken: tuple[int, ...]


class TableScores(NamedTuple):
    """A source table over all runs; `score` is the share of records that broke no rule, 0 to 1."""

    table: str
    owner: str
    rows_checked: int
    broken: tuple[int, ...]
    held: int
    score: float
    last_score: float


class RuleCount(NamedTuple):
    """A rule and what became of the records that broke it."""

    table: str
    rule: str
    dimension: str
    severity: str
    owner: str
    failed: int
    held: int


class Held(NamedTuple):
    """Records in quarantine of one status, and the value of the orders and lines among them, USD."""

    status: str
    records: int
    value: Decimal


@dataclass(frozen=True)
class Report:
    """Everything the page shows; `made_at` is UTC."""

    made_at: datetime
    runs: Sequence[RunScores]
    tables: Sequence[TableScores]
    rules: Sequence[RuleCount]
    owners: Sequence[tuple[str, int, int]]
    held: Sequence[Held]
    rejected: int
    verdicts: Sequence[tuple[str, int, int]]
    lags: Sequence[streams.Lag]
    volumes: Sequence[streams.Volume]

    @property
    def rows_checked(self) -> int:
        """Records that all runs brought."""
        return sum(table.rows_checked for table in self.tables)

    @property
    def failed(self) -> int:
        """Breaches of a rule, over all runs."""
        return sum(sum(table.broken) for table in self.tables)


def read(settings: Settings, verdicts: Sequence[tuple[str, int, int]] = ()) -> Report:
    """The report as of the last publication; raises QualityError before the first one."""
    there = existing(settings, (SCORECARD, streams.FRESHNESS, streams.VOLUMES))
    if SCORECARD not in there:
        raise QualityError("there is no scorecard yet: no run has been published. Next: `shopsphere materialize`")
    with reader.connect(settings) as lake:
        return Report(
            datetime.now(UTC),
            [RunScores(row[0], int(row[1]), _whole(row[2:])) for row in _rows(lake, _RUNS_SQL)][-RUNS:],
            [_table(row) for row in _rows(lake, _TABLES_SQL)],
            [RuleCount._make(row) for row in _rows(lake, _RULES_SQL)],
            [(str(owner), int(failed), int(held)) for owner, failed, held in _rows(lake, _OWNERS_SQL)],
            [Held(str(status), int(records), value) for status, records, value in _rows(lake, _HELD_SQL)],
            int(_rows(lake, "select coalesce(sum(rejected), 0) from quality.results")[0][0]),
            verdicts,
            streams.lags(lake) if streams.FRESHNESS in there else [],
            streams.volumes(lake) if streams.VOLUMES in there else [],
        )


_SUMS = ", ".join(f"sum({name})" for name in DIMENSIONS)
_RUNS_SQL = f"""
select max(runs.started), sum(rows_checked), {_SUMS} from quality.scorecard as scores
left join (select run_id, min(started) as started from ops.pipeline_runs group by run_id) as runs
  on scores.run_id = runs.run_id
group by scores.run_id order by 1 nulls first
"""  # noqa: S608
_TABLES_SQL = f"""
select source_system || '.' || source_table, max(owner), sum(rows_checked), {_SUMS}, sum(held), sum(failed),
  max_by(failed, commit_seq), max_by(rows_checked, commit_seq)
from quality.scorecard group by 1 order by sum(failed) desc, 1
"""  # noqa: S608 - our own names
_RULES_SQL = f"""
select results.source_system || '.' || results.source_table, results.rule, max(results.dimension),
  max(results.severity), max(coalesce(rules.owner, 'data-platform')), sum(results.failed),
  sum(results.quarantined) + sum(results.rejected)
from quality.results as results
left join seeds.quality_rules as rules
  on results.source_system = rules.source_system and results.source_table = rules.source_table
  and results.rule = rules.rule
group by 1, 2 having sum(results.failed) > 0 order by sum(results.failed) desc, 1, 2 limit {TOP}
"""  # noqa: S608
_OWNERS_SQL = "select owner, sum(failed), sum(held) from quality.scorecard group by 1 order by 2 desc, 1"
_HELD_SQL = "select status, count(*), coalesce(sum(amount), 0) from quality.quarantine group by 1 order by 2 desc"


def _rows(lake: Any, sql: str) -> list[Any]:
    return list(lake.execute(sql).fetchall())


def _table(row: Sequence[Any]) -> TableScores:
    name, owner, checked, *rest = row
    *broken, held, failed, last_failed, last_checked = map(int, rest)
    last = _score(last_failed, last_checked)
    return TableScores(str(name), str(owner), int(checked), tuple(broken), held, _score(failed, int(checked)), last)


def _score(failed: int, checked: int) -> float:
    return max(0.0, 1 - failed / checked) if checked else 1.0


def _whole(values: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(value or 0) for value in values)
