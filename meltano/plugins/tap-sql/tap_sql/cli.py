"""The command `tap-sql`: discovers and reads straight away when it is called as Meltano calls it, and leaves all else
to singer-sdk.

Importing the SDK costs half a second, more than many an increment; `--about`, `--help`, `--version` and unusual
options still behave as the SDK does.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from .errors import TapError
from .settings import Settings, parse_settings, read_json
from .without_pandas import without_pandas

logger = logging.getLogger("tap-sql")
_VALUED = {"--config": "config", "-c": "config", "--catalog": "catalog", "--properties": "catalog", "--state": "state"}


def main() -> None:
    """Run the command; exit code 1 and one line on stderr if the run stops on purpose."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        options = plain_options(sys.argv[1:])
        if options is None:
            from .tap import TapSql

            TapSql.cli()
        else:
            _run(options)
    except TapError as error:
        logger.error("%s", error)  # noqa: TRY400 (the message is the whole story)
        sys.exit(1)
    except BrokenPipeError:
        logger.error("the target stopped reading; its own message says why")  # noqa: TRY400
        sys.stdout = None  # nothing is left to flush to
        sys.exit(1)


def plain_options(arguments: Sequence[str]) -> dict[str, list[str]] | None:
    """The files of a call as Meltano makes it, None for any other."""
    options: dict[str, list[str]] = {}
    rest = iter(arguments)
    for option in rest:
        if option in {"--discover", "-d"}:
            options["discover"] = []
            continue
        name, _, inline = option.partition("=")
        value = inline or (next(rest, "") if name in _VALUED else "")
        if name not in _VALUED or value in {"", "ENV"}:
            return None
        options.setdefault(_VALUED[name], []).append(value)
    return options if "config" in options else None


def discover(settings: Settings) -> dict[str, Any]:
    """The source's catalog; raises TapError."""
    from .catalog import to_catalog
    from .engines import engine_for

    with engine_for(settings).connect() as session:
        return to_catalog(session.tables())


def sync(settings: Settings, catalog: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Read the catalog's selected streams to stdout; raises TapError."""
    from .engines import engine_for
    from .extract import Extraction

    with engine_for(settings).connect() as session:
        Extraction(settings, session, state, emit).run(catalog)


def emit(message: Mapping[str, Any]) -> None:
    """Write one Singer message to stdout, at once."""
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def _run(options: Mapping[str, list[str]]) -> None:
    without_pandas()
    settings = parse_settings(read_json(options["config"], "config"))
    if "discover" in options:
        sys.stdout.write(json.dumps(discover(settings), indent=2) + "\n")
        return
    catalog = read_json(options["catalog"], "catalog") if "catalog" in options else discover(settings)
    sync(settings, catalog, read_json(options.get("state", []), "state"))
