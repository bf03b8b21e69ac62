"""Records in quarantine as people see them, and the decisions they may take about them.

The records are those of the last publication; a decision is written at once and obeyed by the next run. What may not
be released is what the tables themselves forbid (an order without a customer): there only a fix helps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.tables import existing
from ecommerce_pipeline.quality import decisions, fixes
from ecommerce_pipeline.quality.contracts import reading
from ecommerce_pipeline.quality.decisions import Decision
from ecommerce_pipeline.quality.errors import QualityError
from ecommerce_pipeline.settings import Settings

COLUMNS = (
    "source_system, source_table, record_key, customer_id, rule, dimension, severity, reason, raw_record, amount, "
    "recorded_on, status"
)
UNDECIDED = ("open", "dismissed")


@dataclass(frozen=True)
class Record:
    """A row of quality.quarantine: a record and a rule it breaks."""

    source_system: str
    source_table: str
    record_key: str
    customer_id: int | None
    rule: str
    dimension: str
    severity: str
    reason: str
    raw_record: str
    amount: Decimal
    recorded_on: date | None
    status: str

    @property
    def table(self) -> str:
        """system.table, as the commands name it."""
        return f"{self.source_system}.{self.source_table}"

    @property
    def fields(self) -> Mapping[str, str | None]:
        """The record as it came, every value as text."""
        found: dict[str, str | None] = json.loads(self.raw_record)
        return found


def find(
    settings: Settings,
    *,
    table: str = "",
    key: str = "",
    rule: str = "",
    status: str = "",
    limit: int = 0,
    at_random: bool = False,
) -> list[Record]:
    """Records that fit all that is given, the latest first, or some at random; raises QualityError when there was no
    run yet.
    """
    _check_there(settings)
    system, _, name = table.partition(".")
    wanted = {"source_system": system, "source_table": name, "record_key": key, "rule": rule, "status": status}
    conditions = [f"{column} = {_text(value)}" for column, value in wanted.items() if value]
    where = f" where {' and '.join(conditions)}" if conditions else ""
    order = "random()" if at_random else "recorded_on desc nulls last, source_table, record_key, rule"
    ending = f" limit {limit}" if limit else ""
    with reader.connect(settings) as lake:
        sql = f"select {COLUMNS} from quality.quarantine{where} order by {order}{ending}"  # noqa: S608 - quoted above
        return [Record(*row) for row in lake.execute(sql).fetchall()]


def one(settings: Settings, table: str, key: str, rule: str = "") -> list[Record]:
    """The record, once for each rule it breaks; raises QualityError when it is not in quarantine."""
    found = find(settings, table=table, key=key, rule=rule)
    if not found:
        raise QualityError(
            f"{table} {key} is not in quarantine{f' under {rule}' if rule else ''}. "
            "Next: `shopsphere quarantine list` shows what is"
        )
    return found


def history(settings: Settings, table: str, key: str) -> list[Decision]:
    """What was decided about the record, the earliest first."""
    system, _, name = table.partition(".")
    if not existing(settings, [decisions.IDENTIFIER]):
        return []
    names = ", ".join(Decision.__dataclass_fields__)
    with reader.connect(settings) as lake:
        sql = (
            f"select {names} from quality.decisions where source_system = {_text(system)} "  # noqa: S608
            f"and source_table = {_text(name)} and record_key = {_text(key)} order by decided_at"
        )
        return [Decision(*row) for row in lake.execute(sql).fetchall()]


def fix(settings: Settings, record: Record, values: Mapping[str, str], by: str, reason: str) -> Mapping[str, str]:
    """Say what fields of a record truly are; returns them as the models will read them. Raises QualityError for a
    field or a value that cannot be.
    """
    checked = fixes.checked(reading.read(settings), record.table, values)
    _decide(settings, [record], decisions.FIX, by, reason, fix=json.dumps(checked, ensure_ascii=False, sort_keys=True))
    return checked


def undecided(records: Iterable[Record]) -> list[Record]:
    """The records about which something can still be decided; raises QualityError when there is none: what has been
    let in, or was sent again, is no longer here.
    """
    records = list(records)
    found = [record for record in records if record.status in UNDECIDED]
    if not found:
        last = records[0]
        raise QualityError(
            f"{last.table} {last.record_key} is {last.status}: it is in the tables. Next: correct it at its source; "
            "the next run takes the better version"
        )
    return found


def release(settings: Settings, records: Iterable[Record], by: str, reason: str) -> int:
    """Let records in as they are; returns how many. Raises QualityError when a rule protects the tables themselves."""
    records, contracts = list(records), reading.read(settings)
    for record in records:
        if not fixes.is_waivable(contracts, record.table, record.rule):
            raise QualityError(
                f"{record.table} {record.record_key}: {record.rule} cannot be waived, the tables promise it. "
                f"Next: `shopsphere quarantine fix {record.table} {record.record_key} --set FIELD=VALUE`, or dismiss it"
            )
    return _decide(settings, records, decisions.RELEASE, by, reason)


def dismiss(settings: Settings, records: Iterable[Record], by: str, reason: str) -> int:
    """Say that the records will never be needed; returns how many."""
    return _decide(settings, records, decisions.DISMISS, by, reason)


def judge(settings: Settings, record: Record, *, is_wrong: bool, by: str, reason: str = "sample") -> None:
    """Note a person's verdict: whether the rule was right about the record. It changes nothing else."""
    _decide(settings, [record], decisions.CONFIRM if is_wrong else decisions.FALSE_ALARM, by, reason)


def verdicts(settings: Settings) -> Sequence[tuple[str, int, int]]:
    """Of each rule: name, records judged, and how many of these were wrong indeed."""
    if not existing(settings, [decisions.IDENTIFIER]):
        return []
    with reader.connect(settings) as lake:
        found = lake.execute(
            "select rule, count(*), sum(case when decision = 'confirm' then 1 else 0 end) from quality.decisions "
            "where decision in ('confirm', 'false_alarm') group by rule order by rule"
        )
        return [(str(rule), int(judged), int(right)) for rule, judged, right in found.fetchall()]


def _decide(
    settings: Settings, records: Iterable[Record], decision: str, by: str, reason: str, *, fix: str = ""
) -> int:
    now = datetime.now(UTC).replace(tzinfo=None)
    made = [
        Decision(
            now,
            by,
            decision,
            one.source_system,
            one.source_table,
            one.record_key,
            one.rule,
            fix,
            reason,
            one.customer_id,
        )
        for one in records
    ]
    decisions.append(settings, made)
    return len(made)


def _check_there(settings: Settings) -> None:
    if not existing(settings, [("quality", "quarantine")]):
        raise QualityError("there is no quarantine yet: no run has been published. Next: `shopsphere materialize`")


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
