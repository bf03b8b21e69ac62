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
    """`count` lines, the last without its newline, the number of the first (from 1) and the offset after the last."""

    first: int
    text: bytes
    end: int
    count: int = 1
    kind: Literal["lines", "tail", "too_long", "damage"] = "lines"
    note: str = ""

    @property
    def lines(self) -> list[bytes]:
        """The lines one by one, without their newline."""
        return self.text.split(b"\n")

    @property
    def first_line(self) -> bytes:
        """The first line without its newline."""
        return self.text.partition(b"\n")[0]

    @property
    def after(self) -> int:
        """How many lines of the file stand up to the end of this block."""
        return self.first - 1 + (self.count if self.kind != "damage" else 0)


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
            yield Block(first, carry, position, kind="damage", note=f"the compressed file is damaged: {damage}")
            return
        if not chunk:
            break
        position += len(chunk)
        head, newline, rest = chunk.rpartition(b"\n")
        if newline:
            text = carry + head
            count = text.count(b"\n") + 1
            yield from _whole(text, count, first, position - len(rest), longest)
            first, carry = first + count, rest
        else:
            carry = _held(carry, rest, longest)
    if len(carry) > longest:
        yield Block(first, carry[:RAW_LIMIT], position, kind="too_long")
    elif carry:
        yield Block(first, without_bom(carry) if first == 1 else carry, position, kind="tail")


def without_bom(text: bytes) -> bytes:
    """The beginning of a file without the mark that some programs put before it."""
    return text.removeprefix(BOM)


def _held(carry: bytes, more: bytes, longest: int) -> bytes:
    """The line so far; of one already too long only the beginning is kept, and enough to know that it was too long."""
    return carry + more if len(carry) <= longest else carry


def _whole(text: bytes, count: int, first: int, end: int, longest: int) -> Iterator[Block]:
    if len(text) <= longest or max(map(len, text.split(b"\n"))) <= longest:
        yield Block(first, without_bom(text) if first == 1 else text, end, count)
        return
    for number, line in enumerate(text.split(b"\n"), first):
        kind: Literal["lines", "too_long"] = "too_long" if len(line) > longest else "lines"
        yield Block(number, line[:RAW_LIMIT] if kind == "too_long" else line, end, kind=kind)
