"""The singer-sdk face of the target: `--about`, `--version`, `--config`, `--input` and its capabilities behave as with any SDK target.

The work is done by `Loader`, which knows nothing of the SDK; `cli` takes the same way without importing it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import IO, Any, ClassVar

from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TargetCapabilities
from singer_sdk.sinks import BatchSink
from singer_sdk.target_base import Target

from .loader import Loader
from .settings import config_schema, parse_settings


class _NoSink(BatchSink):
    """The SDK asks for a sink class; streams go to `StreamLoad` instead."""

    def process_batch(self, context: dict[str, Any]) -> None:
        """Never called: `listen` is overridden."""
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
        TargetCapabilities.HARD_DELETE,
    ]

    def listen(self, file_input: IO[str] | None = None) -> None:
        """Load stdin or `file_input`; raises LoadError."""
        source = sys.stdin.buffer if file_input is None else getattr(file_input, "buffer", None)
        lines = source if source is not None else (line.encode() for line in file_input or [])
        with Loader(parse_settings(self.config), write_state) as loader:
            loader.load(lines)


def write_state(state: Mapping[str, Any]) -> None:
    """Write durable state to stdout, where Meltano reads it."""
    sys.stdout.write(json.dumps(state) + "\n")
    sys.stdout.flush()
