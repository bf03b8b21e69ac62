"""What dbt asked Trino during a run: how many statements of each kind, and how long they took there.

A model's own statement and the tests are the work; contracts looked at, relations listed and columns asked for are what
dbt and this project put around it.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.operations.stack import trino
from ecommerce_pipeline.settings import Settings

ASKED = """
with asked as (
    select
        trim(regexp_replace(replace(lower(query), chr(10), ' '), '/\\*.*?\\*/', '')) as sql,
        strpos(query, 'node_id": "test.') > 0 as is_test,
        date_diff('millisecond', created, "end") as ms,
        planning_time_ms + analysis_time_ms as planning_ms,
        created,
        "end" as ended
    from system.runtime.queries
    where source like 'dbt-trino%' and state = 'FINISHED' and created >= timestamp '{since}'
),

told as (
    select *, case
        when is_test then 'tests'
        when regexp_like(sql, '^(create (or replace )?table|merge|insert|delete|execute immediate .insert)')
            then 'models'
        when regexp_like(sql, 'where false limit 0|limit 0') then 'contracts looked at'
        when regexp_like(sql, 'information_schema|^show|^describe') then 'tables and columns looked up'
        when regexp_like(sql, '^select coalesce.max') then 'watermarks'
        when regexp_like(sql, '^(call|alter|drop|comment)') then 'tables renamed, let go, widened'
        else 'the rest'
    end as kind
    from asked
)

select
    kind,
    count(*),
    sum(ms) / 1e3,
    sum(planning_ms) / 1e3,
    date_diff('millisecond', min(created), max(ended)) / 1e3
from told
group by grouping sets ((kind), ())
order by 3 desc
"""
HEADER = "| dbt's statements | how many | seconds in Trino | of these planning |\n|---|---|---|---|"


class Asked(NamedTuple):
    """Statements of one kind; times in seconds."""

    kind: str | None
    count: int
    seconds: float
    planning: float
    span: float


def asked(settings: Settings, since: datetime) -> list[Asked]:
    """By kind, what dbt asked since that moment (UTC); the kind None is all of them. Trino remembers 15 minutes."""
    with reader.connect(trino.as_user(settings, "admin")) as session:
        return [Asked(*row) for row in session.execute(ASKED.format(since=f"{since:%F %T} UTC")).fetchall()]


def table(found: list[Asked]) -> list[str]:
    """The rows of the page, the total last, with how long it took from the first statement to the last."""
    [total] = [one for one in found if one.kind is None]
    kinds = [one for one in found if one.kind is not None]
    rows = [
        f"| {one.kind or 'all'} | {one.count} | {one.seconds:,.1f} | {one.planning:,.1f} |" for one in (*kinds, total)
    ]
    busy = total.seconds / total.span
    said = f"From the first statement to the last {total.span:,.1f} s: {busy:.2f} at a time, with two threads of dbt."
    return [HEADER, *rows, "", said]
