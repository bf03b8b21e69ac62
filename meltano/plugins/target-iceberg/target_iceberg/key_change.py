"""The stream's key is remembered with the table: who keeps the latest version of each key must hear when it changes.

A model that keeps one row per `order_id` loses rows on the day the key becomes (order_id, line), and no test of the
raw table would notice. So the run stops, unless the change is accepted or all rows are replaced anyway.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence

from .errors import LoadError

logger = logging.getLogger("target-iceberg")
KEYS = "target-iceberg.key-properties"


def key_record(keys: Sequence[str]) -> dict[str, str]:
    """The table property that remembers the key."""
    return {KEYS: json.dumps(list(keys))}


def refuse_changed_key(place: str, properties: Mapping[str, str], keys: Sequence[str], *, accept: bool) -> bool:
    """Whether the table was loaded with another key, in whatever order; raises LoadError if that is not accepted."""
    before = json.loads(properties.get(KEYS, "null"))
    if before is None or sorted(before) == sorted(keys):
        return False
    change = f"{place}: the key of its stream was ({', '.join(before)}) and is ({', '.join(keys)}) now"
    if not accept:
        raise LoadError(
            f"{change}; models that keep the latest version per key would keep the wrong rows. Nothing was written. "
            "Next: change the key in those models, then run once with TARGET_ICEBERG_ON_KEY_CHANGE=accept"
        )
    logger.warning("%s; rows loaded before keep standing under the old one", change)
    return True
