"""The singer-sdk face of the tap: `--about`, `--discover`, `--catalog` and `--state` behave as with any SDK tap.

The work is done by `sync`, which knows nothing of the SDK; `cli` takes the same way without importing it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from singer_sdk import Stream, Tap
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities

from tap_hubspot.api import Api
from tap_hubspot.declaration import Declaration, declaration
from tap_hubspot.messages import Messages
from tap_hubspot.reading import Reader
from tap_hubspot.settings import config_schema, parse_settings, read_json_files
from tap_hubspot.sync import sync

if TYPE_CHECKING:
    from singer_sdk.helpers.types import Context


class ObjectStream(Stream):
    """A declared stream, for the SDK's catalog."""

    def __init__(self, tap: Tap, declared: Declaration) -> None:
        super().__init__(tap=tap, schema=declared.schema, name=declared.name)
        self._declared = declared
        self.primary_keys = ["id"]
        self.forced_replication_method = "FULL_TABLE" if declared.full_table else "INCREMENTAL"
        self.replication_key = None if declared.full_table else "updated_at"

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """The objects as they are listed, for `--test`; `TapHubspot.invoke` reads with tap_hubspot.sync.

        Raises HubspotError.
        """
        settings = parse_settings(self.config)
        for found in Reader(Api(settings), self._declared, settings.page_size).listed(archived=False):
            plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self._declared.record(found)))
            yield plain


class TapHubspot(Tap):
    """Reads HubSpot CRM objects of any type, whole or by what changed."""

    name = "tap-hubspot"
    package_name = "tap-hubspot"
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.DISCOVER,
        TapCapabilities.STATE,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def discover_streams(self) -> list[ObjectStream]:
        """The declared streams; raises HubspotError for a declaration that cannot be."""
        return [ObjectStream(self, declaration(stream)) for stream in parse_settings(self.config).streams]

    @classmethod
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **options: Any) -> None:
        """`--about`, or a sync with configuration, catalog and state as given."""
        if about:
            cls.print_about(about_format)
            return
        given = cls(config=options["config"].config, parse_env_config=options["config"].parse_env, setup_mapper=False)
        catalog, state = (read_json_files([options[n].name] if options[n] else []) for n in ("catalog", "state"))
        sync(parse_settings(given.config), catalog, state, Messages(sys.stdout.buffer))
