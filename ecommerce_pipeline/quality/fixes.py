"""What a person may say about a record: the fields that can be fixed, with their types, and the rules that can be
waived.

The models apply the fixes by the macro `fixed`; a test holds the two alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from ecommerce_pipeline.quality.errors import QualityError

CENT = Decimal("0.01")


def _whole(text: str) -> str:
    return str(int(text))


def _money(text: str) -> str:
    value = Decimal(text)
    if not value.is_finite() or value != value.quantize(CENT) or abs(value) >= 10**10:
        raise ValueError(text)
    return str(value.quantize(CENT))


def _instant(text: str) -> str:
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        found = found.astimezone(UTC).replace(tzinfo=None)
    return found.isoformat(sep=" ", timespec="microseconds")


def _code(text: str) -> str:
    if not text.strip():
        raise ValueError(text)
    return text.strip()


Reader = Callable[[str], str]
FIXABLE: Mapping[str, Mapping[str, Reader]] = {
    "shop.orders": {"customer_id": _whole, "currency": _code, "placed_at": _instant},
    "shop.order_items": {"quantity": _whole, "sales_value": _money},
    "catalog.prices": {"price": _money},
    "web.events": {"user_id": _whole, "occurred_at": _instant},
}
MEANING: Mapping[Reader, str] = {
    _whole: "a whole number",
    _money: "an amount such as 12.50",
    _instant: "a time such as 2017-12-15T06:00:00",
    _code: "a text",
}
# where the rule is a doubt; every other rule holds what a table's own checks promise
RELEASABLE = frozenset({"currency_in_iso_4217", "price_near_its_history", "price_near_its_cost"})


def checked(table: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values as the models will read them; raises QualityError for a field or a value that cannot be. Times
    without a zone are UTC.
    """
    fields = FIXABLE.get(table, {})
    if not values:
        raise QualityError(f"{table}: no field was given. Next: --set FIELD=VALUE; {_choice(table)}")
    found = {}
    for name, text in values.items():
        if name not in fields:
            raise QualityError(f"{table} has no field {name!r} that can be fixed. Next: {_choice(table)}")
        try:
            found[name] = fields[name](text)
        except (ValueError, InvalidOperation):
            raise QualityError(f"{table}.{name}: {text!r} is not {MEANING[fields[name]]}. Next: give one") from None
    return found


def _choice(table: str) -> str:
    fields = FIXABLE.get(table)
    return f"one of {', '.join(fields)}" if fields else f"correct it at its source; known are {', '.join(FIXABLE)}"
