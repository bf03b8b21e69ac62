"""Every `shopsphere …` that a document tells somebody to type is a command that there is, with the options it names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from typer import _click as click  # typer brings its own
from typer._click.exceptions import UsageError
from typer.core import TyperGroup

from ecommerce_pipeline.settings import ROOT

FENCED = re.compile(r"^ *```\w*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
START = re.compile(r"^(?:\.venv/bin/)?shopsphere\s")
END = {"&&", "||", ";", "|", ">", ">>", "&"}


def documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/github/*.yml")])


def commands(text: str) -> Iterator[str]:
    """Each command of a document, whole, with what follows it on its line."""
    text = re.sub(r"\$\{\{.*?\}\}", "7", text)  # what a workflow puts in
    inline = [" ".join(found.split()) for found in INLINE.findall(FENCED.sub("", text))]
    lines = [*whole_lines(FENCED.findall(text)), *whole_lines(INDENTED.findall(text)), *inline]
    lines += [part for line in lines for part in re.split(r"&&|\$\(|run: ", line)[1:]]
    for line in (line.strip().removeprefix("$ ").strip() for line in lines):
        if START.match(f"{line} "):
            yield line


def whole_lines(blocks: list[str]) -> Iterator[str]:
    """Lines as a shell takes them: until the quotes are closed and no backslash goes on."""
    for block in blocks:
        lines = iter(block.replace("\\\n", " ").splitlines())
        for line in lines:
            while line.count('"') % 2 and (more := next(lines, None)) is not None:
                line += f" {more.strip()}"  # noqa: PLW2901
            yield line


def words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    found = list(lexer)
    end = next((index for index, word in enumerate(found) if word in END), len(found))
    return found[1:end]


@cache
def program() -> click.Command:
    from ecommerce_pipeline.cli.main import app

    return typer.main.get_command(app)


def parse(arguments: list[str]) -> None:
    """Take the arguments apart as the program would, running nothing; raises click's UsageError."""
    if arguments == ["--help"]:
        return
    command = program()
    context = click.Context(command, info_name="shopsphere")
    while isinstance(command, TyperGroup) and arguments and "|" not in arguments[0] and arguments[0] != "…":
        name, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        context, command = click.Context(found, parent=context, info_name=name), found
    if isinstance(command, TyperGroup) and arguments:  # `branch build|diff`: each of them is a command
        for name in arguments[0].split("|"):
            if name != "…":
                command.resolve_command(context, [name])
    elif arguments:
        command.parse_args(context, [_stand_in(word) for word in arguments])


def _stand_in(word: str) -> str:
    """A value that fits where the document leaves it to the reader."""
    days = {"DAY", "DATE", "YYYY-MM-DD"}
    if word in days:
        return "2017-12-15"
    return "1" if word in {"N", "DAYS"} else word


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_written_down_can_be_typed(document):
    for line in commands(document.read_text()):
        try:
            parse(words(line))
        except UsageError as error:
            pytest.fail(f"{document.relative_to(ROOT)}: `{line}`: {error.format_message()}")


def test_a_command_that_is_not_there_is_noticed():
    for wrong in ("shopsphere nonsense", "shopsphere branch mend NAME", "shopsphere query --brunch x 'select 1'"):
        with pytest.raises(UsageError):
            parse(words(wrong))


def test_documents_name_commands_of_every_group():
    named = {words(line)[0] for document in documents() for line in commands(document.read_text()) if len(words(line))}
    assert {"branch", "alerts", "quarantine", "stack", "materialize", "query", "why"} <= named
