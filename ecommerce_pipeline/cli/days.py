"""What to say once a table stands where it stood before: tables kept by day lack the days since, and only a run that
names them builds them again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecommerce_pipeline.settings import Settings

UNKNOWN = ("FIRST", "LAST")


def to_build_again(settings: Settings, tables: Collection[str] = ()) -> str:
    """The command that brings the lake up to date, and what it cannot build; of these tables, or of all."""
    from ecommerce_pipeline.lakehouse.tables import existing
    from ecommerce_pipeline.operations import schedules
    from ecommerce_pipeline.transformation import as_of, project

    try:
        manifest = project.manifest(settings)
        kept = {tuple(key.path): again for key, again in as_of.kept_by_day(manifest).items()}
        there = {".".join(name): kept[name] for name in existing(settings, kept)}
        held = {".".join(key.path): days for key, days in as_of.days_held(settings, manifest).items()}
    except Exception:  # dbt and engines have each their own errors, and the tables stand where they were asked to
        return sentence({"tables kept by day": ()}, [], None)
    wanted = [table for table in there if not tables or table in tables]
    mine = {table: held[table] for table in wanted if table in held}
    lost = sorted(table for table in wanted if not there[table])
    return sentence(mine, lost, schedules.yesterday(settings, datetime.now(UTC)))


def sentence(held: Mapping[str, Collection[date]], lost: Collection[str], yesterday: date | None) -> str:
    """`held`: the days of each table kept by day; `lost`: tables whose past days cannot be built again. The last day
    held is among those named: it may have been built before its end.
    """
    never = f"; the days since of {', '.join(lost)} cannot be built again" if lost else ""
    if not held:
        return f"`shopsphere materialize daily_update` brings it up to date{never}"
    first, last = _range([max(days) for days in held.values() if days], yesterday)
    where = "" if last != UNKNOWN[1] else " (from the last day that it holds to the last that is over)"
    return (
        f"`shopsphere materialize daily_update --partition {first}:{last}`{where} brings it up to date, with the days "
        f"since of {', '.join(sorted(held))}{never}"
    )


def _range(last_held: Collection[date], yesterday: date | None) -> tuple[str, str]:
    first = min(last_held, default=None)
    if first is None:
        return UNKNOWN
    return first.isoformat(), max(first, yesterday).isoformat() if yesterday else UNKNOWN[1]
