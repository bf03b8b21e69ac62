"""What a rejected record says of itself: where it stood, and whom it is about."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def person_of(values: Mapping[str, Any], keys: Iterable[str]) -> int | None:
    """Whom a rejected record is about: the first of `keys` that holds an integer, as a number or as digits."""
    for key in keys:
        value = values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isdigit():
            return int(value)
    return None


def key_position(values: Mapping[str, Any], key_properties: list[str]) -> str:
    """Where a record stood, told by its key."""
    return json.dumps({key: values.get(key) for key in key_properties}, default=str) if key_properties else ""
