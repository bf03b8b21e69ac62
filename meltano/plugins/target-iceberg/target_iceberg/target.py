"""The singer-sdk face of the target: `--about`, `--version`, `--config`, `--input` and its capabilities behave as
with any SDK target.

The work is done by `Loader`, which knows nothing of the SDK; `cli` takes the same way without importing it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from singer_sdk.sinks import BatchSink
from singer_sdk.target_base import Target

from .loader import Loader
from .settings import config_schema, parse_settings


class _NoSink(BatchSink):
    """The SDK asks for a sink class; streams go to `StreamLoad` instead."""

    def process_batch(self, context: dict[str, Any]) -> None:
        """Never called: `invoke` is overridden."""
        raise NotImplementedError("rows are loaded by target_iceberg.loader")


class TargetIceberg(Target):
    """Singer target for Apache Iceberg."""

    name = "target-iceberg"
    package_name = "target-iceberg"
    default_sink_class = _NoSink
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    @classmethod
    def invoke(cls, *, about: bool = False, about_format: str | None = None, **options: Any) -> None:
        """`--about`, or a load of stdin or `--input` with the configuration given; raises LoadError."""
        if about:
            cls.print_about(about_format)
            return
        given = cls(config=options["config"].config, parse_env_config=options["config"].parse_env, setup_mapper=False)
        source = options["file_input"]
        lines = sys.stdin.buffer if source is None else (line.encode() for line in source)
        with Loader(parse_settings(given.config), write_state) as loader:
            loader.load(lines)


def write_state(state: Mapping[str, Any]) -> None:
    """Write durable state to stdout, where Meltano reads it."""
    sys.stdout.write(json.dumps(state) + "\n")
    sys.stdout.flush()
