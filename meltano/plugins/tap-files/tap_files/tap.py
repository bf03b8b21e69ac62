"""The singer-sdk face of the tap: `--about`, `--discover`, `--catalog` and `--state` behave as with any SDK tap.

The work is done by `sync`, which knows nothing of the SDK; `cli` takes the same way without importing it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream, Tap
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities

from tap_files.declaration import Declaration, declaration
from tap_files.messages import Messages
from tap_files.sample import sample
from tap_files.settings import config_schema, parse_settings, read_json_files
from tap_files.sync import sync

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context


class FileStream(Stream):
    """A declared stream, for the SDK's catalog."""

    def __init__(self, tap: Tap, declared: Declaration) -> None:
        super().__init__(tap=tap, schema=declared.schema, name=declared.name)
        self._declared = declared
        self.primary_keys = list(declared.key_properties)
        self.forced_replication_method = declared.replication_method

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """The first rows, for `--test`; `TapFiles.invoke` reads with tap_files.sync. Raises FilesError."""
        self.forced_replication_method = "FULL_TABLE"  # a bookmark is of files, for which the SDK has no word
        return sample(parse_settings(self.config), self._declared)


class TapFiles(Tap):
    """Reads JSON lines and CSV files under one bookmark a stream; bad lines become rejects."""

    name = "tap-files"
    package_name = "tap-files"
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.DISCOVER,
        TapCapabilities.STATE,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def discover_streams(self) -> list[FileStream]:
        """The declared streams; raises FilesError for a declaration that cannot be."""
        return [FileStream(self, declaration(stream)) for stream in parse_settings(self.config).streams]

    @classmethod
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **options: Any) -> None:
        """`--about`, or a sync with configuration, catalog and state as given."""
        if about:
            cls.print_about(about_format)
            return
        given = cls(config=options["config"].config, parse_env_config=options["config"].parse_env, setup_mapper=False)
        catalog, state = (read_json_files([options[n].name] if options[n] else []) for n in ("catalog", "state"))
        sync(parse_settings(given.config), catalog, state, Messages(sys.stdout.buffer))
