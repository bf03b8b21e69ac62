"""The mode a table was loaded in is remembered with it: a log holds versions that an upsert would not find again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .errors import LoadError
from .stream_settings import Mode

MODE = "target-iceberg.mode"


def mode_record(mode: Mode) -> dict[str, str]:
    """The table property that remembers the mode."""
    return {MODE: mode}


def refuse_other_mode(place: str, properties: Mapping[str, str], mode: Mode, *, keys: Sequence[str]) -> None:
    """Raise LoadError if the table was loaded in another mode, or the mode needs a key that the stream has not.

    `properties` are those of a table whose rows stay.
    """
    if mode == "upsert" and not keys:
        raise LoadError(
            f"{place}: mode upsert needs a key, and the stream has none. Nothing was written. Next: give its table a "
            "primary key (or the tap key_properties), or set the mode to append"
        )
    before = properties.get(MODE, mode if not properties else "append")
    if before != mode:
        raise LoadError(
            f"{place} was loaded in mode {before}, and its stream is set to {mode}. Nothing was written. Next: load it "
            "anew with TARGET_ICEBERG_FULL_REFRESH=true meltano run --full-refresh, or set the mode back"
        )
