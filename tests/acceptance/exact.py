"""Exact arithmetic for the expected marts: shares as fractions, rounded once, half away from zero."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

WIDE = Context(prec=80, rounding=ROUND_HALF_UP)


def half_up(value: Fraction | Decimal, places: int) -> Decimal:
    """`value` with that many decimals, halves away from zero."""
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1).scaleb(-places), context=WIDE)
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return (Decimal(whole) * (1 if value >= 0 else -1)).scaleb(-places, WIDE)


def share(part: int | Decimal, whole: int, places: int = 6) -> Decimal | None:
    """part ÷ whole with that many decimals; None where there is no whole."""
    return half_up(Fraction(part) / whole, places) if whole else None
