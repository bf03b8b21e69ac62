"""The singer-sdk face of the tap: `--about`, `--version`, `--help` and its capabilities behave as with any SDK tap.

The work is done by `extract`, which knows nothing of the SDK; `cli` takes the same way without importing it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from singer_sdk import Stream, Tap
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities

from .cli import discover, sync
from .settings import config_schema, parse_settings, read_json


class SqlStream(Stream):
    """A table as the SDK sees it; rows travel as batches, never one by one."""

    def get_records(self, context: Any) -> Iterable[dict[str, Any]]:
        """Never called: `invoke` is overridden."""
        raise NotImplementedError("rows are read by tap_sql.extract")


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
        return [SqlStream(self, schema=e["schema"], name=e["stream"]) for e in self.catalog_dict["streams"]]

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
