"""What a person may say about a record: the fields that the contracts call fixable, with their types.

The models apply the fixes by the macro `fixed`; a test holds the two alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from ecommerce_pipeline.quality.contracts.reading import Contracts
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


# how a value of a contract's type is read, and how to say what it must be
READERS: Mapping[str, tuple[Callable[[str], str], str]] = {
    "integer": (_whole, "a whole number"),
    "bigint": (_whole, "a whole number"),
    "decimal(12,2)": (_money, "an amount such as 12.50"),
    "timestamp": (_instant, "a time such as 2017-12-15T06:00:00"),
    "text": (_code, "a text"),
}


def checked(contracts: Contracts, table: str, values: Mapping[str, str]) -> dict[str, str]:
    """The values as the models will read them; raises QualityError for a field or a value that cannot be. Times
    without a zone are UTC.
    """
    fields = contracts[table].fixable if table in contracts else {}
    if not values:
        raise QualityError(f"{table}: no field was given. Next: --set FIELD=VALUE; {_choice(contracts, table)}")
    found = {}
    for name, text in values.items():
        if name not in fields:
            raise QualityError(f"{table} has no field {name!r} that can be fixed. Next: {_choice(contracts, table)}")
        read, meaning = READERS[fields[name].type]
        try:
            found[name] = read(text)
        except (ValueError, InvalidOperation):
            raise QualityError(f"{table}.{name}: {text!r} is not {meaning}. Next: give one") from None
    return found


def is_waivable(contracts: Contracts, table: str, rule: str) -> bool:
    """Whether the rule is a doubt; every other rule holds what a table's own checks promise."""
    return table in contracts and rule in contracts[table].rules and contracts[table].rules[rule].waivable


def _choice(contracts: Contracts, table: str) -> str:
    if table in contracts and contracts[table].fixable:
        return f"one of {', '.join(contracts[table].fixable)}"
    known = [stream for stream, one in contracts.items() if one.fixable]
    return f"correct it at its source; known are {', '.join(known)}"
