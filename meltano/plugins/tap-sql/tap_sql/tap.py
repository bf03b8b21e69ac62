"""The singer-sdk face of the tap: `--about`, `--version`, `--help` and its capabilities behave as with any SDK tap.

The work is done by `extract`, which knows nothing of the SDK; `cli` takes the same way without importing it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from singer_sdk import Stream, Tap
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from singer_sdk.helpers.types import Context

from .cli import discover, sync
from .records import records
from .settings import config_schema, parse_settings, read_json


class SqlStream(Stream):
    """A table as the SDK sees it; a sync hands its rows over as batches, `--test` reads them one by one."""

    def __init__(self, tap: Tap, entry: Mapping[str, Any]) -> None:
        super().__init__(tap=tap, schema=dict(entry["schema"]), name=entry["stream"])
        self.primary_keys = list(entry["key_properties"])

    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:  # noqa: ARG002
        """The table's rows that fit their columns, as the batches of a sync hold them; raises TapError."""
        return records(parse_settings(self.config), self.name)


class TapSql(Tap):
    """Singer tap for PostgreSQL and MySQL."""

    name = "tap-sql"
    package_name = "tap-sql"
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.BATCH,
    ]

    @property
    def catalog_dict(self) -> dict[str, Any]:
        """The catalog given, else the one discovered; raises TapError."""
        if self.input_catalog is not None:
            return dict(self.input_catalog.to_dict())
        return discover(parse_settings(self.config))

    def discover_streams(self) -> Sequence[Stream]:
        """The source's tables as SDK streams."""
        return [SqlStream(self, entry) for entry in self.catalog_dict["streams"]]

    @classmethod
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **options: Any) -> None:
        """`--about`, or a sync with configuration, catalog and state as given; raises TapError."""
        if about:
            cls.print_about(about_format)
            return
        given = cls(config=options["config"].config, parse_env_config=options["config"].parse_env, setup_mapper=False)
        settings = parse_settings(given.config)
        catalog, state = (read_json([options[n].name] if options[n] else [], n) for n in ("catalog", "state"))
        sync(settings, catalog or discover(settings), state)
