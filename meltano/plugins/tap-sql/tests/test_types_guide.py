"""The guide to the types is what the cases say."""

from __future__ import annotations

from types_guide import GUIDE, render

COMMAND = ".venv/bin/python meltano/plugins/tap-sql/tests/types_guide.py"


def test_the_guide_is_drawn_from_the_cases_that_are_tested():
    assert GUIDE.read_text("utf-8") == render(), f"run `{COMMAND}`, then read the diff"
