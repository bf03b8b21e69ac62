"""tap-files: the authority on its settings. JSON lines and CSV, from a folder that grows, into the lake."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, ClassVar, NoReturn

from singer_sdk import Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.singerlib.messages import StateMessage

from tap_files.declaration import declaration
from tap_files.errors import FilesError
from tap_files.stream import FileStream

_STREAM = {
    "type": "object",
    "required": ["name", "files", "format", "columns"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "description": "Singer stream name, <system>-<table>"},
        "files": {"type": "string", "description": "glob under `path`; names that end in .gz are unpacked"},
        "format": {"type": "string", "enum": ["jsonl", "csv"]},
        "columns": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string"},
            "description": "name: type (string int long double boolean date timestamp timestamptz decimal(p,s) json)",
        },
        "key_properties": {"type": "array", "items": {"type": "string"}},
        "replication_method": {"type": "string", "enum": ["INCREMENTAL", "FULL_TABLE"], "default": "INCREMENTAL"},
        "customer_column": {
            "type": ["string", "null"],
            "description": "column that says whom a record is about, kept with rejects",
        },
        "delimiter": {"type": "string", "minLength": 1, "maxLength": 1, "default": ","},
    },
}


class TapFiles(Tap):
    """Reads JSON lines and CSV files under one bookmark a stream; bad lines become rejects."""

    name = "tap-files"
    message_writer_class = MsgSpecWriter
    capabilities: ClassVar[list[Any]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.DISCOVER,
        TapCapabilities.STATE,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "required": ["path", "streams", "stage_dir"],
        "properties": {
            "path": {"type": "string", "description": "folder under which all files stand"},
            "streams": {"type": "array", "minItems": 1, "items": _STREAM},
            "stage_dir": {"type": "string", "description": "folder for batches on their way to the target"},
            "batch_rows": {"type": "integer", "minimum": 1, "default": 200_000},
            "recent_folders": {
                "type": "integer",
                "minimum": 1,
                "default": 3,
                "description": "newest folders that are remembered file by file; older ones by a digest",
            },
            "unfinished_lines": {
                "type": "string",
                "enum": ["wait", "reject"],
                "default": "wait",
                "description": "what becomes of an incomplete last line of the newest file",
            },
            "max_line_bytes": {"type": "integer", "minimum": 1024, "default": 16 << 20},
        },
    }

    _announced = False

    def discover_streams(self) -> list[FileStream]:
        """The declared streams; raises FilesError for a declaration that cannot be."""
        self._config = {**self._defaults(), **self._config}
        return [FileStream(self, declaration(entry)) for entry in self.config["streams"]]

    def _defaults(self) -> dict[str, Any]:
        properties: dict[str, dict[str, Any]] = self.config_jsonschema["properties"]
        return {name: setting["default"] for name, setting in properties.items() if "default" in setting}

    def announce_state(self) -> None:
        """Once, before the first SCHEMA: the state the run starts from, which the target holds against its tables.

        The SDK sends it only when there is one, and "none" is a claim to be checked as well.
        """
        if not self._announced and not self.state:
            self.write_message(StateMessage(value={"bookmarks": {}}))
        self._announced = True

    def _handle_termination(self, signum: int, frame: FrameType | None) -> NoReturn:
        """Stop at once and without a STATE: half a stream must not look like a whole one."""
        del frame
        sys.exit(128 + signum)

    @classmethod
    def invoke(cls, **kwargs: Any) -> None:
        """Run the tap; what a person must put right is one line in the log, not a traceback."""
        try:
            super().invoke(**kwargs)
        except BrokenPipeError:
            cls.logger.error("the target closed the pipe: its own message says why")  # noqa: TRY400 - not ours
            sys.exit(1)
        except (FilesError, OSError) as error:
            cls.logger.error("%s", error)  # noqa: TRY400 - the message says it all
            sys.exit(1)
