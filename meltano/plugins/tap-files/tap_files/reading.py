"""One file to rows and rejects: joins lines and parser, and is the authority on what an unfinished last line becomes.

A last line without a newline may still be being written. If it is a complete row it is taken. If not, it waits for
the next run as long as its file is the newest one, and so do the lines of a CSV row whose quote is still open; in any
other file nobody is going to finish them, and they are rejects. Nor in a packed one: it is written whole, and read
whole when it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tap_files.bookmark import Reading
from tap_files.csvrows import CsvRows
from tap_files.declaration import Declaration
from tap_files.errors import FilesError
from tap_files.jsonlines import JsonLines, Parsed, Values
from tap_files.lines import Block, blocks, open_at, resume, without_bom
from tap_files.rejects import Reject


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file: rows as columns, their lines, rejects, and the bytes and lines consumed up to its end."""

    columns: Sequence[Values]
    lines: Sequence[int]
    rejects: list[Reject]
    consumed: int
    lines_consumed: int


class Reader:
    """Reads the files of one stream."""

    def __init__(self, declaration: Declaration, root: Path, longest: int, warn: Callable[[str], None]) -> None:
        self._declaration, self._root, self._longest, self._warn = declaration, root, longest, warn
        self._json = JsonLines(declaration) if declaration.format == "jsonl" else None
        self._mentioned: set[str] = set()
        self._nothing: list[Values] = [[] for _ in declaration.columns]

    def pieces(self, reading: Reading, wait: bool) -> Iterator[Piece]:
        """The parts of a file; with `wait` an unfinished last line is left for the next run."""
        path = self._root / reading.file.path
        offset, before = reading.offset, reading.lines
        packed = path.suffix == ".gz"
        if packed:
            offset, before, wait = 0, 0, False  # a packed file cannot be resumed: it is read again whole when it grew
        elif offset:
            offset, before = resume(path, offset, before)
        with open_at(path, offset) as source:
            found = blocks(source, offset, before, None if packed else reading.file.size, self._longest)
            yield from (
                self._json_pieces(found, path, wait) if self._json else self._csv_pieces(found, path, offset, wait)
            )
        if packed:
            yield Piece(self._nothing, [], [], reading.file.size, 0)

    def _json_pieces(self, found: Iterator[Block], path: Path, wait: bool) -> Iterator[Piece]:
        assert self._json is not None  # noqa: S101 - for the type checker: chosen by the caller
        for block in found:
            if block.kind not in ("lines", "tail"):
                yield self._lost(block, path)
                continue
            self._mention(self._json.undeclared(block.first_line), path)
            columns, lines, rejects = self._json.parse(block.text, block.first, block.count)
            if block.kind == "tail" and rejects and wait:
                return
            yield Piece(columns, lines, rejects, block.end, block.after)

    def _csv_pieces(self, found: Iterator[Block], path: Path, offset: int, wait: bool) -> Iterator[Piece]:
        rows = CsvRows(self._declaration)
        if offset:
            with open_at(path, 0) as source:
                rows.header(without_bom(source.readline().rstrip(b"\n")), str(path))
        last: Block | None = None
        for block in found:
            if block.kind == "tail" and wait:
                break
            if block.kind not in ("lines", "tail"):
                yield self._lost(block, path)
                continue
            lines, first = block.lines, block.first
            if first == 1:
                self._mention(rows.header(lines[0], str(path)), path)
                lines, first = lines[1:], 2
            yield self._piece(rows.parse(lines, first), block)
            last = block
        if last is not None:
            held, size = rows.held_at(last.after) if wait else (0, 0)
            if held:
                yield Piece(self._nothing, [], [], last.end - size, last.after - held)
            else:
                yield self._piece(rows.finish(), last)

    def _mention(self, undeclared: set[str], path: Path) -> None:
        new = undeclared - self._mentioned
        if new:
            self._mentioned |= new
            names = ", ".join(sorted(new))
            self._warn(f"{path.name}: {names} is not declared and not kept. Next: add it to the stream's columns")

    def _piece(self, parsed: Parsed, block: Block) -> Piece:
        columns, lines, rejects = parsed
        return Piece(columns, lines, rejects, block.end, block.after)

    def _lost(self, block: Block, path: Path) -> Piece:
        long = f"longer than {self._longest} bytes: the beginning is kept here, the whole stands in the file"
        reason = block.note if block.kind == "damage" else long
        if self._declaration.full_table or (block.first == 1 and self._declaration.format == "csv"):
            # Half a file must not replace a whole table, and without its header no row of a file can be read.
            raise FilesError(
                f"{path.name}, line {block.first}: {reason}. Next: export the file again; the table is as it was"
            )
        reject = Reject(block.first, block.first_line, reason, "readable" if block.kind == "damage" else "line_length")
        return Piece(self._nothing, [], [reject], block.end, block.after)
