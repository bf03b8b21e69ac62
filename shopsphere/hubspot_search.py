"""HubSpot's search body as SQL: the authority on filters, sorting and the limits of `POST
/crm/v3/objects/{type}/search`.

Filters of a group are joined by AND, groups by OR; `hs_lastmodifieddate` is compared as a time, given in milliseconds
or ISO 8601, every other property as text. As at HubSpot, a page holds at most 200 objects and a search reaches only its
first 10,000.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

PAGE, REACH, GROUPS, FILTERS = 200, 10_000, 5, 6
OTHERS = "BETWEEN, IN, NOT_IN, HAS_PROPERTY, NOT_HAS_PROPERTY"
COMPARISONS = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}


class BadRequestError(ValueError):
    """The request is not one HubSpot would take; the message says which part."""


@dataclass(frozen=True)
class Search:
    """A validated search: SQL condition and order with their parameters, page size and offset."""

    condition: str
    parameters: tuple[Any, ...]
    order: str
    limit: int
    offset: int


def parse(body: Any) -> Search:
    """Reads a request's JSON body; raises BadRequestError."""
    if not isinstance(body, dict):
        raise BadRequestError("the body must be a JSON object")
    groups = body.get("filterGroups", [])
    if not isinstance(groups, list) or len(groups) > GROUPS:
        raise BadRequestError(f"filterGroups must be a list of at most {GROUPS} groups")
    made = [_group(group) for group in groups]
    condition = " OR ".join(f"({sql})" for sql, _ in made) or "1"
    parameters = tuple(value for _, values in made for value in values)
    limit, offset = _number(body.get("limit", 10), "limit"), _number(body.get("after", 0) or 0, "after")
    if not 1 <= limit <= PAGE:
        raise BadRequestError(f"limit must be between 1 and {PAGE}")
    if offset + limit > REACH:
        raise BadRequestError(
            f"a search reaches its first {REACH} results only: ask again with a filter on what came last"
        )
    return Search(condition, parameters, _order(body.get("sorts", [])), limit, offset)


def _number(value: Any, name: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadRequestError(f"{name} must be a whole number, not {value!r}") from None


def _group(group: Any) -> tuple[str, list[Any]]:
    filters = group.get("filters") if isinstance(group, dict) else None
    if not isinstance(filters, list) or not 1 <= len(filters) <= FILTERS:
        raise BadRequestError(f"a filter group needs 1 to {FILTERS} filters")
    made = [_filter(one) for one in filters]
    return " AND ".join(sql for sql, _ in made), [value for _, values in made for value in values]


def _filter(one: Any) -> tuple[str, list[Any]]:
    if not isinstance(one, dict) or not isinstance(one.get("propertyName"), str):
        raise BadRequestError("a filter needs propertyName and operator")
    name, operator = one["propertyName"], one.get("operator")
    column, before = _column(name)
    if operator in COMPARISONS:
        return f"{column} {COMPARISONS[operator]} ?", [*before, _value(name, one.get("value"))]
    if operator == "BETWEEN":
        ends = [_value(name, one.get("value")), _value(name, one.get("highValue"))]
        return f"{column} BETWEEN ? AND ?", [*before, *ends]
    if operator in ("IN", "NOT_IN") and isinstance(one.get("values"), list):
        values = [_value(name, value) for value in one["values"]]
        return f"{column} {operator.replace('_', ' ')} ({', '.join('?' * len(values))})", [*before, *values]
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return f"{column} IS {'NOT ' if operator == 'HAS_PROPERTY' else ''}NULL", before
    raise BadRequestError(f"operator {operator!r} is not one of {', '.join(COMPARISONS)}, {OTHERS}")


def _column(name: str) -> tuple[str, list[Any]]:
    """The SQL of a property and the parameters it needs: the name itself is one, never part of the SQL."""
    if name == "hs_lastmodifieddate":
        return "modified", []
    return ("id", []) if name == "hs_object_id" else ("json_extract(properties, ?)", [f"$.{json.dumps(name)}"])


def _value(name: str, value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise BadRequestError(f"the filter on {name} needs a value")
    return _milliseconds(str(value)) if name == "hs_lastmodifieddate" else str(value)


def _milliseconds(text: str) -> int:
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequestError(f"{text!r} is neither milliseconds since 1970 nor an ISO 8601 time") from None
    whole = when if when.tzinfo else when.replace(tzinfo=UTC)
    since = whole - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _order(sorts: Any) -> str:
    """ORDER BY of at most one sort, as at HubSpot; the id decides among equals."""
    if not sorts:
        return "id, delivery"
    first = sorts[0] if isinstance(sorts, list) and len(sorts) == 1 else None
    name, down = (first, False) if isinstance(first, str) else _sort(first)
    if name not in ("hs_lastmodifieddate", "hs_object_id"):
        raise BadRequestError("sorts takes one of hs_lastmodifieddate and hs_object_id, ASCENDING or DESCENDING")
    column = "modified" if name == "hs_lastmodifieddate" else "id"
    return f"{column}{' DESC' if down else ''}, id, delivery"


def _sort(first: Any) -> tuple[Any, bool]:
    return (
        (first.get("propertyName"), first.get("direction") == "DESCENDING")
        if isinstance(first, dict)
        else (None, False)
    )
