"""The singer-sdk face of the target: `--about`, `--version`, `--config`, `--input` and its capabilities behave as
with any SDK target.

The work is done by `Loader`, which knows nothing of the SDK; `cli` takes the same way without importing it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import IO, Any, ClassVar

from singer_sdk.contrib.msgspec import MsgSpecReader
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities
from singer_sdk.sinks import BatchSink
from singer_sdk.target_base import Target

from .loader import Loader
from .settings import config_schema, parse_settings


class _LoadingReader(MsgSpecReader):
    """Hands the whole input to the loader, in place of the SDK's message by message."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self._config = config

    def process_lines(self, file_input: IO[str] | None, callbacks: dict[str, Callable[..., None]]) -> Counter[str]:  # noqa: ARG002
        """Load stdin or `file_input`; raises LoadError."""
        lines = sys.stdin.buffer if file_input is None else (line.encode() for line in file_input)
        with Loader(parse_settings(self._config), write_state) as loader:
            loader.load(lines)
        return Counter()


class _NoSink(BatchSink):
    """The SDK asks for a sink class; streams go to `StreamLoad` instead."""

    def process_batch(self, context: dict[str, Any]) -> None:
        """Never called: `_LoadingReader` takes the whole input."""
        raise NotImplementedError("rows are loaded by target_iceberg.loader")


class TargetIceberg(Target):
    """Singer target for Apache Iceberg."""

    name = "target-iceberg"
    package_name = "target-iceberg"
    default_sink_class = _NoSink
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [PluginCapabilities.ABOUT, PluginCapabilities.STRUCTURED_LOGGING]

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "setup_mapper": False})
        self.message_reader = _LoadingReader(self.config)

    def process_endofpipe(self) -> None:
        """Nothing is left: the loader has committed."""


def write_state(state: Mapping[str, Any]) -> None:
    """Write durable state to stdout, where Meltano reads it."""
    sys.stdout.write(json.dumps(state) + "\n")
    sys.stdout.flush()
