"""Contracts as a page for people: what each source promises, and what becomes of a record that breaks it."""

from __future__ import annotations

from collections.abc import Iterator

from ecommerce_pipeline.quality.contracts.contract import Contract, Field
from ecommerce_pipeline.quality.contracts.reading import Contracts

HEAD = """# What the sources promise

Written by `shopsphere contracts generate` from `dbt/contracts/`; do not edit. A record that breaks a rule of
consequence *quarantined* is excluded from every table but `quality.quarantine`; all others are published, and told in
`quality.corrections` or `quality.findings`. A rule that is *waivable* is a doubt: a person may let the record in. All
times are UTC.
"""


def page(contracts: Contracts) -> str:
    """docs/data-contracts.md."""
    return "\n".join([HEAD, *(line for one in contracts.values() for line in _stream(one))])


def _stream(one: Contract) -> Iterator[str]:
    yield f"## {one.stream}\n"
    yield f"{' '.join(one.meaning.split())}\n"
    yield "; ".join(_terms(one)) + ".\n"
    yield "| field | type | must be | class | meaning |\n|---|---|---|---|---|"
    for name, field in one.fields.items():
        yield f"| {name} | {field.type} | {', '.join(_demands(field))} | {field.class_} | {_cell(field.meaning)} |"
    yield ""
    if one.rules:
        yield "| rule | dimension | severity | the record is | broken when |\n|---|---|---|---|---|"
        for name, rule in one.rules.items():
            become = f"{rule.consequence.replace('_', ' ')}{', waivable' if rule.waivable else ''}"
            yield f"| {name} | {rule.dimension} | {rule.severity} | {become} | {_cell(rule.meaning)} |"
        yield ""


def _terms(one: Contract) -> Iterator[str]:
    yield f"Owner: {one.owner}"
    yield f"key: {', '.join(one.key)}"
    if one.references:
        yield "references: " + ", ".join(f"{name} → {target}" for name, target in one.references.items())
    if one.freshness:
        days = one.freshness.days
        yield f"fresh: its latest {one.freshness.by} is at most {days} day{'s' if days > 1 else ''} behind"
    if one.volume:
        yield f"volume: at least {one.volume.at_least} a day by {one.volume.by}, and about what the weekday usually has"


def _demands(field: Field) -> Iterator[str]:
    if field.required:
        yield "there"
    if field.minimum is not None:
        yield f"≥ {field.minimum}"
    if field.maximum is not None:
        yield f"≤ {field.maximum}"
    if field.one_of:
        yield f"one of {', '.join(field.one_of)}"
    if field.format:
        yield {"e164": "E.164", "email": "an e-mail address", "iso_4217": "in ISO 4217"}[field.format]
    if field.fixable:
        yield "fixable"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
