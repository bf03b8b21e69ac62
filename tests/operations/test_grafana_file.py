"""The file for Grafana: its own types take all of it, and it asks only for what `shopsphere metrics` tells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from promql_parser import AggregateExpr, BinaryExpr, Call, MatrixSelector, ParenExpr, StringLiteral, VectorSelector

from ecommerce_pipeline.operations import metrics, run_ends
from ecommerce_pipeline.settings import ROOT

FILE = json.loads((ROOT / "deploy" / "grafana" / "lakehouse.json").read_text())
QUESTIONS = [(panel["title"], target["expr"]) for panel in FILE["panels"] for target in panel["targets"]]
# what a publication with records held back, tables with rows and an open incident add to a lake that has run
WITH_DATA = {
    "shopsphere_quarantine_records": {"table", "status"},
    "shopsphere_incidents_open": {"kind"},
    **{f"shopsphere_asset_{name}": {"asset", "step"} for name, _ in metrics.OF_ASSETS},
}


@pytest.fixture
def there(lakehouse) -> dict[str, set[str]]:
    """Every figure of a lake that has run, with its labels."""
    lakehouse.run()
    [latest] = lakehouse.instance.get_runs(limit=1)
    run_ends.record(lakehouse.settings, lakehouse.instance, latest.run_id, lakehouse.definitions.resolve_asset_graph)
    found = {family.name: family for family in metrics.registry(lakehouse.settings).collect()}
    labels = {name: {label for one in family.samples for label in one.labels} for name, family in found.items()}
    return {**labels, **WITH_DATA}


def lost(given: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Where what Grafana's types made of the file differs from it."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from lost(value, kept[key], f"{path}.{key}") if key in kept else [f"{path}.{key} is unknown"]
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, pair in enumerate(zip(given, kept, strict=True)):
            yield from lost(*pair, f"{path}[{index}]")
    elif given != kept:
        yield f"{path} is {kept!r} for {given!r}"


def test_grafanas_own_types_take_every_key_of_the_file():
    plugins.register_default_plugins()
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(FILE)))
    assert list(lost(FILE, kept)) == []
    assert list(lost({**FILE, "panles": []}, kept)) == [".panles is unknown"]


def selectors(expression: Any) -> Iterator[VectorSelector]:
    if isinstance(expression, VectorSelector):
        yield expression
    elif isinstance(expression, MatrixSelector):
        yield expression.vector_selector
    elif isinstance(expression, BinaryExpr):
        yield from selectors(expression.lhs)
        yield from selectors(expression.rhs)
    elif isinstance(expression, (AggregateExpr, ParenExpr)):
        yield from selectors(expression.expr)
    elif isinstance(expression, Call):
        for argument in expression.args:
            yield from selectors(argument)


def grouped_by(expression: Any) -> Iterator[str]:
    """Labels by which an aggregation groups, without those that a label_replace inside it makes."""
    if isinstance(expression, AggregateExpr):
        made = {call.args[1].val for call in calls(expression) if call.func.name == "label_replace"}
        if expression.modifier is not None:
            yield from set(expression.modifier.labels) - made
    elif isinstance(expression, BinaryExpr):
        yield from grouped_by(expression.lhs)
        yield from grouped_by(expression.rhs)


def calls(expression: Any) -> Iterator[Call]:
    if isinstance(expression, AggregateExpr):
        yield from calls(expression.expr)
    elif isinstance(expression, Call):
        yield expression
        for argument in expression.args:
            if not isinstance(argument, StringLiteral):
                yield from calls(argument)


def test_every_panel_asks_only_for_figures_and_labels_that_there_are(there):
    assert len(QUESTIONS) == len(FILE["panels"]) > 5
    for title, question in QUESTIONS:
        expression = promql_parser.parse(question)  # raises where Prometheus would
        for selector in selectors(expression):
            matchers = selector.matchers.matchers
            if selector.name is None:
                [by_name] = matchers
                assert sum(bool(re.fullmatch(by_name.value, name)) for name in there) == 2, title
                continue
            assert selector.name in there, title
            assert {matcher.name for matcher in matchers} <= there[selector.name], title
            assert set(grouped_by(expression)) <= there[selector.name], title


def test_a_question_that_prometheus_would_refuse_is_noticed():
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        promql_parser.parse("sum by (schema (shopsphere_asset_rows)")
