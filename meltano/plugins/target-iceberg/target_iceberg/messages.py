"""Singer lines → messages. RECORD lines are only routed here: their content is decoded later, thousands at a time."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from .errors import LoadError

logger = logging.getLogger("target-iceberg")
_ROUTE = re.compile(rb'\{"type": ?"RECORD", ?"stream": ?"([^"\\]+)"')


GROUP = 1_000


class Message(NamedTuple):
    """One message: its type, its stream (empty for STATE) and its line; of RECORDs of one stream, several lines."""

    type: str
    stream: str
    lines: list[bytes]


class _Envelope(msgspec.Struct):
    type: str
    stream: str = ""


def messages(lines: Iterable[bytes]) -> Iterator[Message]:
    """The messages of the input, RECORDs that follow each other together.

    Raises LoadError for a line that is none. A last line cut short by a dying tap is left out.
    """
    route, envelope = _ROUTE.match, msgspec.json.Decoder(_Envelope).decode
    beginning, held, stream = b"\0", list[bytes](), ""
    for line in lines:
        if line.startswith(beginning) and line.endswith(b"}\n"):  # as the one before: most lines come this way
            held.append(line[:-1])
            if len(held) >= GROUP:
                yield Message("RECORD", stream, held)
                held = []
            continue
        if held:
            yield Message("RECORD", stream, held)
            held = []
        match = route(line)
        if match and line.endswith(b"}\n"):
            beginning, stream = match[0], match[1].decode()
            held.append(line[:-1])
        elif line.strip():
            try:
                head = envelope(line)
            except msgspec.MsgspecError as error:
                if not line.endswith(b"\n"):
                    logger.warning("the input ends in mid-line: the tap died; what its last STATE covers is committed")
                    return
                raise LoadError(_not_singer(line, error)) from error
            yield Message(head.type, head.stream, [line.strip()])
    if held:
        yield Message("RECORD", stream, held)


def _not_singer(line: bytes, error: Exception) -> str:
    shown = line[:200].decode(errors="replace").strip()
    return (
        f"target-iceberg: a line on stdin is no Singer message ({error}): {shown}. "
        "Next: a tap must log to stderr, not to stdout"
    )
