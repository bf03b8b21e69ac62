"""The guides as programs: their fenced blocks, each with the file it is written to or the prompt it is typed at.

A block belongs to the file that the paragraph before it names in backticks; a `console` block is typed line by line.
So a guide that says something wrong fails a test, and nothing of what it says is written down twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`((?:[\w.-]+/)*[\w.-]*\.(?:yml|sql|env|py|toml))`")
NEVER_ENDS = ("make dev",)


@dataclass(frozen=True)
class Block:
    """One fenced block under a heading; `file` is empty when the text before names none."""

    heading: str
    language: str
    text: str
    file: str

    @property
    def commands(self) -> list[str]:
        """The lines to type, without those that stay in the foreground for ever."""
        return [line for line in self.text.splitlines() if line.strip() and not line.startswith(NEVER_ENDS)]


def blocks(path: Path) -> list[Block]:
    """Every block of a guide, in its order."""
    text = path.read_text()
    return [_block(text, match) for match in FENCE.finditer(text)]


def _block(text: str, match: re.Match[str]) -> Block:
    before = text[: match.start()]
    headings = re.findall(r"^#+ (.*)$", before, re.MULTILINE)
    paragraph = before.rstrip().rpartition("\n\n")[2]
    named = FILE.findall(paragraph)
    is_typed = match[1] == "console" or paragraph.startswith("```")
    return Block(headings[-1], match[1], match[2], "" if is_typed or not named else named[0])
