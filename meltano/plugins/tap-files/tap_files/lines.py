"""Physical lines of a file, in blocks: the authority on line numbers, byte offsets and what an unfinished line is.

A block holds whole lines only, so that a parser can take it in one go. Three things are not whole lines and come as
blocks of their own: the tail (a last line without a newline, perhaps still being written), a line too long to hold,
and damage (a compressed file that ends early). Memory is bounded by one block or one longest line, whatever the
file's size.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

from tap_files.rejects import RAW_LIMIT

BLOCK = 1 << 20
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines without their newline, the number of the first one (from 1) and the offset after the last one."""

    first: int
    lines: list[bytes]
    end: int
    kind: Literal["lines", "tail", "too_long", "damage"] = "lines"
    note: str = ""

    @property
    def after(self) -> int:
        """How many lines of the file stand up to the end of this block."""
        return self.first - 1 + (len(self.lines) if self.kind != "damage" else 0)


def open_at(path: Path, offset: int) -> BinaryIO:
    """The file at `offset`, unpacked when its name ends in .gz (where offsets count unpacked bytes)."""
    source = cast(BinaryIO, gzip.GzipFile(path)) if path.suffix == ".gz" else path.open("rb")
    source.seek(offset)
    return source


def resume(path: Path, offset: int, lines: int) -> tuple[int, int]:
    """Where to go on in a file read up to here, and the lines before that place.

    If the last line had no newline then, it counts as read when it got one since, and is read again when it went on.
    """
    with path.open("rb") as source:
        source.seek(offset - 1)
        before, after = source.read(1), source.read(2)
    if before == b"\n":
        return offset, lines
    return (offset if after in (b"\n", b"\r\n") or after[:1] == b"\n" else line_start(path, offset)), lines - 1


def line_start(path: Path, offset: int) -> int:
    """Where the line that holds the byte before `offset` begins."""
    with path.open("rb") as source:
        while offset > 0:
            step = min(offset, BLOCK)
            source.seek(offset - step)
            found = source.read(step).rfind(b"\n")
            if found >= 0:
                return offset - step + found + 1
            offset -= step
    return 0


def blocks(source: BinaryIO, offset: int, lines_before: int, end: int | None, longest: int) -> Iterator[Block]:
    """The blocks from `offset` up to `end` (None: all there is); lines longer than `longest` bytes are not held."""
    carry, first, position = b"", lines_before + 1, offset
    while True:
        try:
            chunk = source.read(BLOCK if end is None else min(BLOCK, end - position))
        except (EOFError, OSError, zlib.error) as damage:
            if not isinstance(source, gzip.GzipFile):
                raise
            yield Block(first, [carry], position, "damage", f"the compressed file is damaged: {damage}")
            return
        if not chunk:
            break
        position += len(chunk)
        head, newline, rest = chunk.rpartition(b"\n")
        if newline:
            lines = (carry + head).split(b"\n")
            yield from _whole(lines, first, position - len(rest), longest)
            first, carry = first + len(lines), rest
        else:
            carry = _held(carry, rest, longest)
    if len(carry) > longest:
        yield Block(first, [carry[:RAW_LIMIT]], position, "too_long")
    elif carry:
        yield Block(first, [without_bom(carry) if first == 1 else carry], position, "tail")


def without_bom(line: bytes) -> bytes:
    """The first line of a file without the mark that some programs put before it."""
    return line.removeprefix(BOM)


def _held(carry: bytes, more: bytes, longest: int) -> bytes:
    """The line so far; of one already too long only the beginning is kept, and enough to know that it was too long."""
    return carry + more if len(carry) <= longest else carry


def _whole(lines: list[bytes], first: int, end: int, longest: int) -> Iterator[Block]:
    if max(map(len, lines)) <= longest:
        yield Block(first, [without_bom(lines[0]), *lines[1:]] if first == 1 else lines, end)
        return
    for number, line in enumerate(lines, first):
        kind: Literal["lines", "too_long"] = "too_long" if len(line) > longest else "lines"
        yield Block(number, [line[:RAW_LIMIT] if kind == "too_long" else line], end, kind)
