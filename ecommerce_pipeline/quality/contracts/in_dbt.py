"""Contracts as dbt reads them: the seed of rules, the sources' YAML, and a macro with all that SQL is made from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ecommerce_pipeline.quality.contracts.contract import Contract, System
from ecommerce_pipeline.quality.contracts.promises import formats, promises, references
from ecommerce_pipeline.quality.contracts.reading import Contracts

BY = "written by `shopsphere contracts generate` from dbt/contracts/; do not edit"
SEED_COLUMNS = (
    "source_system", "source_table", "rule", "dimension", "severity", "consequence", "owner", "meaning"
)  # fmt: skip


def seed(contracts: Contracts) -> str:
    """dbt/seeds/quality_rules.csv: a line a rule."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SEED_COLUMNS)
    for one in contracts.values():
        for name, rule in one.rules.items():
            said = (rule.dimension, rule.severity, rule.consequence, one.owner, rule.meaning)
            writer.writerow((one.system, one.table, name, *said))
    return text.getvalue()


def macro(contracts: Contracts, systems: Mapping[str, System]) -> str:
    """dbt/macros/quality/contracts.sql: every contract as a mapping, by its stream."""
    found = {stream: _facts(one, contracts, systems) for stream, one in contracts.items()}
    lines = ",\n".join(f"    {json.dumps(stream)}: {_literal(facts)}" for stream, facts in found.items())
    return (
        f"{{#- What the sources promise, by stream: {BY}. -#}}\n"
        f"{{% macro contracts() -%}}\n  {{%- set found = {{\n{lines}\n  }} -%}}\n"
        "  {{ return(found) }}\n{%- endmacro %}\n"
    )


def sources(system: str, contracts: Contracts, systems: Mapping[str, System]) -> str:
    """dbt/models/staging/<system>/_<system>__sources.yml: the raw tables in words."""
    source = systems[system]
    lines = [
        f"# {BY}",
        "sources:",
        f"  - name: {source.schema}",
        f"    schema: {source.schema}",
        f"    description: {json.dumps(_one_line(source.meaning), ensure_ascii=False)}",
        f"    config: {{meta: {{owner: data-platform, class: {source.class_}}}}}",
        "    tables:",
    ]
    for one in contracts.values():
        if one.system == system:
            lines.extend(_table(one, source))
    return "\n".join(lines) + "\n"


def _facts(one: Contract, contracts: Contracts, systems: Mapping[str, System]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "system": one.system,
        "table": one.table,
        "schema": systems[one.system].schema,
        "owner": one.owner,
        "grain": _grain(one),
        "promises": dict(promises(one)),
        "formats": dict(formats(one)),
        "lists": {one.column(name): list(field.one_of) for name, field in one.fields.items() if field.one_of},
        "fixable": list(one.fixable),
        "references": {
            name: {"by": by, "model": f"stg_{target.replace('.', '__')}", "column": _grain(contracts[target])[0]}
            for name, (by, target) in references(one).items()
        },
    }
    if one.freshness:
        facts["freshness"] = {"by": one.column(one.freshness.by), "days": one.freshness.days}
    if one.volume:
        facts["volume"] = {"by": one.column(one.volume.by), "at_least": one.volume.at_least}
    return facts


def _grain(one: Contract) -> list[str]:
    return [one.column(name) or name for name in one.key]


def _literal(facts: Mapping[str, Any]) -> str:
    """A mapping a line a key, as Jinja reads it."""
    lines = [
        f"      {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items() if value
    ]
    return "{\n" + ",\n".join(lines) + "\n    }"


def _table(one: Contract, source: System) -> Iterator[str]:
    highest = "personal" if any(field.class_ == "personal" for field in one.fields.values()) else source.class_
    yield f"      - name: {one.table}"
    yield f"        description: {json.dumps(_one_line(one.meaning), ensure_ascii=False)}"
    yield f"        config: {{meta: {{owner: data-platform, class: {highest}, mended_by: {one.owner}}}}}"
    yield "        columns:"
    for name, field in one.fields.items():
        words = json.dumps(_one_line(field.meaning), ensure_ascii=False)
        yield f"          - {{name: {name}, description: {words}, config: {{meta: {{class: {field.class_}}}}}}}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
