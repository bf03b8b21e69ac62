"""What a person means by a selection: a job's name, or assets in Dagster's selection syntax with addresses as one
writes them in SQL.

`finance.daily_revenue`, `finance/daily_revenue` and `key:"finance/daily_revenue"` are the same asset;
`+finance.daily_revenue` adds all upstream of it, `group:finance or staging.stg_shop__orders+` joins. A comma joins
too. A name that is none is refused with near ones.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from dagster import AssetKey, AssetSelection, DagsterError, Definitions

_QUOTED_OR_WORD = re.compile(r'"[^"]*"|[A-Za-z_][\w.\-/*]*:?\(?')
_WORDS_OF_THE_SYNTAX = {"and", "or", "not", "sinks(", "roots("}
_ATTRIBUTE = re.compile(r"\w+:$")


class UnknownSelectionError(Exception):
    """Nothing goes by that name; the message lists what comes near."""


@dataclass(frozen=True)
class Target:
    """What to run: a job, or assets of the whole graph."""

    job: str | None
    keys: frozenset[AssetKey]


def resolve(definitions: Definitions, text: str) -> Target:
    """The job or the assets that `text` names; raises UnknownSelectionError."""
    graph = definitions.resolve_asset_graph()
    jobs = {job.name for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")}
    if text in jobs:
        return Target(text, frozenset())
    runnable = graph.executable_asset_keys
    addresses = {"/".join(key.path) for key in graph.get_all_asset_keys()}
    expression = _with_keys(text, addresses, jobs | {f"group:{name}" for name in _groups(graph, runnable)})
    try:
        keys = AssetSelection.from_string(expression).resolve(graph)
    except DagsterError as error:
        raise UnknownSelectionError(
            f"{text!r} is not a selection: {_first_line(error)}. Next: try `+finance.daily_revenue`"
        ) from None
    chosen = frozenset(keys & runnable)
    if not chosen:
        raise UnknownSelectionError(
            f"{text!r} selects nothing that can be materialised. {_hint(text, addresses | jobs)}"
        )
    return Target(None, chosen)


def _with_keys(text: str, addresses: set[str], others: set[str]) -> str:
    """The selection with each bare address as a `key:` clause; raises on one that does not exist."""
    previous = ""

    def clause(match: re.Match[str]) -> str:
        nonlocal previous
        word, before = match.group(0), previous
        previous = word
        is_value = bool(_ATTRIBUTE.match(before))
        if word.startswith('"') or word in _WORDS_OF_THE_SYNTAX or _ATTRIBUTE.match(word) or is_value:
            return word
        return f'key:"{_address(word, addresses, others)}"'

    return _QUOTED_OR_WORD.sub(clause, text.replace(",", " or "))


def _address(word: str, addresses: set[str], others: set[str]) -> str:
    address = word.replace(".", "/")
    if "*" in address or address in addresses:
        return address
    by_table = [known for known in addresses if known.rsplit("/", 1)[-1] == address]
    if len(by_table) == 1:
        return by_table[0]
    raise UnknownSelectionError(f"there is no asset or job {word!r}. {_hint(word, addresses | others)}")


def _hint(text: str, names: Iterable[str]) -> str:
    known = {name.replace("/", "."): name for name in names}
    near = difflib.get_close_matches(text.replace("/", "."), known, n=5, cutoff=0.5)
    return (
        f"Near it: {', '.join(near)}"
        if near
        else "Next: `shopsphere tables` lists the tables, `shopsphere dev` shows the graph"
    )


def _groups(graph: object, keys: Iterable[AssetKey]) -> set[str]:
    return {str(graph.get(key).group_name) for key in keys}  # type: ignore[attr-defined]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
