"""The command `tap-files`: syncs at once when called as Meltano calls it, and leaves all else to singer-sdk.

Importing the SDK costs three quarters of a second, more than many an increment.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence

from tap_files.errors import FilesError
from tap_files.without_pandas import without_pandas

logger = logging.getLogger("tap-files")
Files = dict[str, list[str]]


def main() -> None:
    """Run the command; exit code 1 and one line on stderr if the run stops on purpose."""
    layout = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=layout)
    try:
        files = plain_options(sys.argv[1:])
        if files is None:
            from tap_files.tap import TapFiles

            TapFiles.cli()
        else:
            _run(files)
    except BrokenPipeError:
        sys.stdout = None  # nothing is left to flush to
        _end("the target closed the pipe: its own message says why")
    except (FilesError, OSError) as error:
        _end(str(error))


def plain_options(arguments: Sequence[str]) -> Files | None:
    """The files of a call as Meltano makes it, by option; None for any other call."""
    files: Files = {"--config": [], "--catalog": [], "--state": []}
    rest = iter(arguments)
    for option in rest:
        if option == "--discover":
            files[option] = []
            continue
        name, _, inline = option.partition("=")
        value = inline or next(rest, "")
        if name not in files or value in {"", "ENV"}:
            return None
        files[name].append(value)
    return files if files["--config"] else None


def _run(files: Files) -> None:
    from tap_files.catalog import discovered
    from tap_files.declaration import declaration
    from tap_files.messages import Messages
    from tap_files.settings import parse_settings, read_json_files
    from tap_files.sync import sync

    without_pandas()
    settings = parse_settings(read_json_files(files["--config"]))
    if "--discover" in files:
        sys.stdout.write(json.dumps(discovered(map(declaration, settings.streams)), indent=2) + "\n")
        return
    catalog, state = read_json_files(files["--catalog"]), read_json_files(files["--state"])
    sync(settings, catalog, state, Messages(sys.stdout.buffer))


def _end(message: str) -> None:
    logger.error("%s", message)
    sys.exit(1)
