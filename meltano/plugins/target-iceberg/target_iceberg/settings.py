"""The target's settings: the one list that the command line checks and that `--about` prints.

They are a msgspec struct rather than singer-sdk typing objects because a load starts without importing the SDK (half
a second of every run); the SDK's JSON schema is generated from the same struct.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .errors import LoadError
from .stream_settings import StreamSettings


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Validated settings of one run."""

    catalog_properties: Annotated[
        dict[str, Any] | str, Meta(description="PyIceberg catalog properties, as an object or as JSON text")
    ]
    catalog_name: Annotated[str, Meta(description="name of the catalog whose tables are written")] = "lake"
    default_target_schema: Annotated[
        str | None,
        Meta(description="namespace of the tables; without it the stream's part before the last '-', or 'raw'"),
    ] = None
    run_id: Annotated[
        str | None, Meta(description="written to _sdc_run_id; without it MELTANO_RUN_ID, DAGSTER_RUN_ID or a new one")
    ] = None
    rejects_limit: Annotated[
        float, Meta(ge=0, le=1, description="share of a stream's rows that may be rejected before the stream fails")
    ] = 0.5
    rejects_table: Annotated[str, Meta(description="table of the rejected rows, namespace.table")] = "quality.rejects"
    person_keys: Annotated[
        tuple[str, ...], Meta(description="fields that say whom a rejected record is about, first integer wins")
    ] = ("customer_id", "user_id", "contact_id")
    lease: Annotated[
        str | None,
        Meta(description="'module:callable' taking (tables, holder), gives a context manager: one writer a table"),
    ] = None
    on_type_change: Annotated[
        Literal["stop", "new_column"],
        Meta(description="a column's new type cannot be converted exactly: stop, or load it as <column>__<kind>"),
    ] = "stop"
    on_key_change: Annotated[
        Literal["stop", "accept"], Meta(description="the stream's key is another than the table was loaded with")
    ] = "stop"
    full_refresh: Annotated[
        bool, Meta(description="replace all rows and start from no bookmark; use it with `meltano run --full-refresh`")
    ] = False
    buffer_rows: Annotated[int, Meta(ge=1, description="RECORD lines held before they are written to a data file")] = (
        50_000
    )
    file_rows: Annotated[int, Meta(ge=1, description="rows of a data file at most, to the next batch")] = 2_000_000

    streams: Annotated[
        tuple[StreamSettings, ...], Meta(description="how single streams are loaded and their tables laid out")
    ] = ()

    def of_stream(self, stream: str) -> StreamSettings:
        """What the stream has of its own, or the defaults."""
        fits = (entry for entry in self.streams if fnmatchcase(stream, entry.name))
        return next(fits, StreamSettings(name=stream))

    @property
    def catalog_config(self) -> dict[str, str]:
        """Catalog properties as strings; raises LoadError if the JSON text is not an object."""
        raw = self.catalog_properties
        try:
            value = msgspec.json.decode(raw, type=dict[str, Any]) if isinstance(raw, str) else raw
        except msgspec.MsgspecError as error:
            raise LoadError(
                "target-iceberg: setting catalog_properties is not a JSON object. Next: set it to the catalog's "
                "properties, "
                'for example {"type": "sql", "uri": "sqlite:////path/catalog.db", "warehouse": "file:///path"}'
            ) from error
        return {key: str(item) for key, item in value.items()}


def parse_settings(config: Mapping[str, Any]) -> Settings:
    """Settings from a configuration object; numbers and booleans may be text. Raises LoadError naming the field."""
    given = {key: value for key, value in config.items() if value not in (None, "")}
    try:
        return msgspec.convert(given, type=Settings, strict=False)
    except msgspec.ValidationError as error:
        raise LoadError(f"target-iceberg: {error}. Next: `target-iceberg --about` lists the settings") from error


def read_config_files(paths: Sequence[str]) -> dict[str, Any]:
    """The merged JSON objects of `--config` files, later ones winning; raises LoadError naming the file."""
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            merged.update(msgspec.json.decode(Path(path).read_bytes(), type=dict[str, Any]))
        except (OSError, msgspec.MsgspecError) as error:
            raise LoadError(f"target-iceberg: cannot read the config file {path}: {error}") from error
    return merged


def resolve_run_id(settings: Settings) -> str:
    """The id rows of this run carry: the setting, else the orchestrator's, else a new one."""
    from_environment = os.environ.get("MELTANO_RUN_ID") or os.environ.get("DAGSTER_RUN_ID")
    return settings.run_id or from_environment or uuid.uuid4().hex


def config_schema() -> dict[str, Any]:
    """JSON schema of the settings, all definitions inlined, as singer-sdk wants it."""
    definitions = msgspec.json.schema(Settings)["$defs"]
    schema = definitions["Settings"]
    schema["properties"]["streams"]["items"] = definitions["StreamSettings"]
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))  # defaults as JSON has them, no tuples
    return plain
