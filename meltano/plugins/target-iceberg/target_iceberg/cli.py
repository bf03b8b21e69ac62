"""The command `target-iceberg`: loads straight away when it is called as Meltano calls it, and leaves all else to
singer-sdk.

Importing the SDK costs half a second, more than many an increment; `--about`, `--help`, `--version`, unusual options
and settings from the environment still behave as the SDK does.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import LoadError
from .settings import parse_settings, read_config_files
from .without_pandas import without_pandas

logger = logging.getLogger("target-iceberg")


def main() -> None:
    """Run the command; exit code 1 and one line on stderr if the run stops on purpose."""
    _log_to_stderr()
    try:
        options = plain_options(sys.argv[1:])
        if options is None:
            from .target import TargetIceberg

            TargetIceberg.cli()
        else:
            _load(*options)
    except LoadError as error:
        logger.error("%s", error)  # noqa: TRY400 (the message is the whole story)
        sys.exit(1)
    except OSError as error:
        logger.error("%s", _unwritten(error, "the lake's store"))  # noqa: TRY400
        sys.exit(1)


def plain_options(arguments: Sequence[str]) -> tuple[list[str], str | None] | None:
    """Config files and input file if there are no other options, else None."""
    configs: list[str] = []
    source: str | None = None
    rest = iter(arguments)
    for option in rest:
        name, _, inline = option.partition("=")
        value = inline or next(rest, "")
        if name in {"--config", "-c"} and value not in {"", "ENV"}:
            configs.append(value)
        elif name == "--input" and value:
            source = value
        else:
            return None
    return (configs, source) if configs else None


def _load(configs: list[str], source: str | None) -> None:
    without_pandas()
    from .loader import Loader

    settings = parse_settings(read_config_files(configs))
    try:
        with Loader(settings, _write_state) as loader:
            if source is None:
                loader.load(sys.stdin.buffer)
            else:
                with open(source, "rb") as lines:
                    loader.load(lines)
    except OSError as error:
        raise LoadError(_unwritten(error, settings.catalog_config.get("warehouse", "the lake's store"))) from error


def _unwritten(error: OSError, where: str) -> str:
    return f"target-iceberg: {error}. Next: check that {where} can be reached, has room and may be written"


def _write_state(state: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(state) + "\n")
    sys.stdout.flush()


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("pyiceberg").setLevel(logging.ERROR)
