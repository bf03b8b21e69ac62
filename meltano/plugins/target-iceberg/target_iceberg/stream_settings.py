"""How one stream's table is loaded and laid out: an entry of the setting `streams`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Mode = Literal["append", "upsert"]


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a stream, or all streams that fit a pattern, have of their own."""

    name: Annotated[str, Meta(min_length=1, description="a stream, or a pattern such as shop-*; the first that fits")]
    mode: Annotated[
        Mode,
        Meta(description="append: a log of all versions; upsert: the last version of each key, for small tables"),
    ] = "append"
    partition_by: Annotated[
        tuple[str, ...] | None,
        Meta(description="as in Trino: country, month(ordered_at), bucket(user_id, 16); unset leaves it as it is"),
    ] = None
    sort_by: Annotated[
        tuple[str, ...] | None, Meta(description="columns, each with desc or not; unset leaves it as it is")
    ] = None
    properties: Annotated[
        dict[str, str | int | float | bool],
        Meta(description="table properties, as write.parquet.compression-level"),
    ] = {}
