"""The tap's settings: the one list that the command checks and that `--about` prints.

They are msgspec structs rather than singer-sdk typing objects because a sync starts without importing the SDK, which
would cost more than most increments; the SDK's JSON schema is made from the same structs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tap_files.errors import FilesError

_TYPES = "string, int, long, double, boolean, date, timestamp, timestamptz, decimal(p,s) or json (kept as text)"


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stream: which files it is read from, and what stands in them."""

    name: Annotated[str, Meta(description="Singer stream name, <system>-<table>")]
    files: Annotated[str, Meta(description="glob under `path`; files whose name ends in .gz are unpacked")]
    format: Literal["jsonl", "csv"]
    columns: Annotated[dict[str, str], Meta(min_length=1, description=f"name: type; {_TYPES}")]
    key_properties: list[str] = []
    replication_method: Literal["INCREMENTAL", "FULL_TABLE"] = "INCREMENTAL"
    customer_column: Annotated[
        str | None, Meta(description="column that says whom a record is about, kept with its reject")
    ] = None
    delimiter: Annotated[str, Meta(min_length=1, max_length=1, description="between the cells of a CSV row")] = ","


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Validated settings of one run."""

    path: Annotated[str, Meta(description="folder under which all files stand")]
    stage_dir: Annotated[str, Meta(description="folder for batches on their way to the target")]
    streams: Annotated[list[StreamSettings], Meta(min_length=1)]
    batch_rows: Annotated[int, Meta(ge=1, description="rows of a batch file")] = 200_000
    batch_format: Annotated[
        Literal["arrow", "parquet"], Meta(description="parquet for targets that read no Arrow files; it costs more")
    ] = "arrow"
    batches_ahead: Annotated[
        int, Meta(ge=1, description="batch files that may wait for the target before the tap waits")
    ] = 8
    recent_folders: Annotated[
        int, Meta(ge=1, description="newest folders remembered file by file; the older ones by a digest")
    ] = 3
    unfinished_lines: Annotated[
        Literal["wait", "reject"], Meta(description="what becomes of an incomplete last line of the newest file")
    ] = "wait"
    max_line_bytes: Annotated[int, Meta(ge=1024, description="longer lines are rejected")] = 16 << 20


def parse_settings(config: Mapping[str, Any]) -> Settings:
    """Settings from a configuration object; numbers may be text. Raises FilesError naming the field."""
    given = {key: value for key, value in config.items() if value not in (None, "")}
    try:
        return msgspec.convert(given, type=Settings, strict=False)
    except msgspec.ValidationError as error:
        raise FilesError(f"tap-files: {error}. Next: `tap-files --about` lists the settings") from error


def read_json_files(paths: Sequence[str]) -> dict[str, Any]:
    """The merged JSON objects of the files, later ones winning; raises FilesError naming the file."""
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            merged.update(msgspec.json.decode(Path(path).read_bytes(), type=dict[str, Any]))
        except (OSError, msgspec.MsgspecError) as error:
            raise FilesError(f"tap-files: cannot read the file {path}: {error}") from error
    return merged


def config_schema() -> dict[str, Any]:
    """JSON schema of the settings, as singer-sdk wants it."""
    schema = msgspec.json.schema(Settings)
    found: dict[str, Any] = schema["$defs"]["Settings"]
    stream = dict(schema["$defs"]["StreamSettings"])
    found["properties"]["streams"]["items"] = stream
    return found
