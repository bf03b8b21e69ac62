"""The tap's settings: the one list that the command line checks and that `--about` prints."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .errors import TapError


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Validated settings of one run."""

    url: Annotated[
        str,
        Meta(
            description="address of the database: postgresql://user:password@host:port/db or mysql://…",
            extra_json_schema={"secret": True},
        ),
    ]
    schemas: Annotated[tuple[str, ...], Meta(description="schemas to discover; all but the system's if empty")] = ()
    stage_dir: Annotated[
        str | None,
        Meta(
            description="folder in which batches stand on their way to the target; the system's temporary one if unset"
        ),
    ] = None
    overlap_seconds: Annotated[
        int,
        Meta(
            ge=0,
            description="how far an incremental run looks back behind its bookmark for rows that were committed late",
        ),
    ] = 86_400
    overlap_keys: Annotated[
        int,
        Meta(ge=0, description="the same for a replication key that is a number; MySQL and views only"),
    ] = 10_000
    tinyint1_is_boolean: Annotated[
        bool, Meta(description="MySQL: tinyint(1) holds true and false only; if not, it is read as a number")
    ] = True
    batch_rows: Annotated[int, Meta(ge=1, description="rows of a batch file, about")] = 200_000
    batch_bytes: Annotated[
        int, Meta(ge=1, description="bytes of a batch file, about; bounds the memory of wide rows")
    ] = 64_000_000
    batch_format: Annotated[
        Literal["arrow", "parquet"], Meta(description="parquet for targets that read no Arrow files; it costs more")
    ] = "arrow"
    batches_ahead: Annotated[
        int,
        Meta(
            ge=1, description="batch files that may wait for the target before the tap waits; bounds the stage folder"
        ),
    ] = 8

    part_rows: Annotated[
        int,
        Meta(
            ge=1,
            description="a first incremental reading of more rows is committed in parts of about so many, so that it "
            "can be taken up again; MySQL: if the replication key is a time and the primary key begins with a number",
        ),
    ] = 5_000_000
    publication: Annotated[
        str, Meta(description="PostgreSQL, LOG_BASED streams: publication that holds their tables")
    ] = "tap_sql"
    slot: Annotated[
        str,
        Meta(
            pattern="^[a-z0-9_]{1,50}$",
            description="PostgreSQL, LOG_BASED streams: replication slot; one for each lake that reads the database",
        ),
    ] = "tap_sql"
    on_lost_changes: Annotated[
        Literal["stop", "resnapshot"],
        Meta(description="changes are lost for ever: stop, or read the tables whole and mark what is gone as deleted"),
    ] = "stop"
    slot_warning_bytes: Annotated[
        int, Meta(ge=0, description="warn if the slot makes the server keep more bytes of its log than this")
    ] = 1_000_000_000

    @property
    def stage(self) -> Path:
        """Folder of the batch files."""
        return Path(self.stage_dir) if self.stage_dir else Path(tempfile.gettempdir()) / "tap-sql-stage"


def parse_settings(config: Mapping[str, Any]) -> Settings:
    """Settings from a configuration object; numbers may be text. Raises TapError naming the field."""
    given = {key: value for key, value in config.items() if value not in (None, "")}
    try:
        return msgspec.convert(given, type=Settings, strict=False)
    except msgspec.ValidationError as error:
        raise TapError(
            f"tap-sql: {error}. Next: `tap-sql --about` lists the settings; an empty url means the source is not set up"
        ) from error


def read_json(paths: Sequence[str], what: str) -> dict[str, Any]:
    """The merged JSON objects of the files, later ones winning; raises TapError naming the file."""
    merged: dict[str, Any] = {}
    for path in paths:
        try:
            merged.update(msgspec.json.decode(Path(path).read_bytes(), type=dict[str, Any]))
        except (OSError, msgspec.MsgspecError) as error:
            raise TapError(f"tap-sql: cannot read the {what} file {path}: {error}") from error
    return merged


def config_schema() -> dict[str, Any]:
    """JSON schema of the settings as singer-sdk wants it."""
    schema = msgspec.json.schema(Settings)["$defs"]["Settings"]
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schema))  # defaults as JSON has them, no tuples
    return plain
