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


class Message(NamedTuple):
    """One message: its type, its stream (empty for STATE) and its line."""

    type: str
    stream: str
    line: bytes


class _Envelope(msgspec.Struct):
    type: str
    stream: str = ""


def messages(lines: Iterable[bytes]) -> Iterator[Message]:
    """The messages of the input.

    Raises LoadError for a line that is none. A last line cut short by a dying tap is left out.
    """
    route, envelope = _ROUTE.match, msgspec.json.Decoder(_Envelope).decode
    names: dict[bytes, str] = {}
    for line in lines:
        match = route(line)
        if match and line.endswith(b"}\n"):
            raw = match[1]
            yield Message("RECORD", names.get(raw) or names.setdefault(raw, raw.decode()), line[:-1])
        elif line.strip():
            try:
                head = envelope(line)
            except msgspec.MsgspecError as error:
                if not line.endswith(b"\n"):
                    logger.warning("the input ends in mid-line: the tap died; what its last STATE covers is committed")
                    return
                raise LoadError(_not_singer(line, error)) from error
            yield Message(head.type, head.stream, line.strip())


def _not_singer(line: bytes, error: Exception) -> str:
    shown = line[:200].decode(errors="replace").strip()
    return (
        f"target-iceberg: a line on stdin is no Singer message ({error}): {shown}. "
        "Next: a tap must log to stderr, not to stdout"
    )
