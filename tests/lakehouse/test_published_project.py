"""What a change is compared with: each model as the last publication that built it had it."""

import json

import pytest

from ecommerce_pipeline.transformation import published
from ecommerce_pipeline.transformation.published import NothingPublished


def project(orders: str, revenue: str, macro: str = "m1") -> dict:
    nodes = {"model.x.orders": {"checksum": orders}, "model.x.revenue": {"checksum": revenue}}
    return {"metadata": {}, "nodes": nodes, "sources": {}, "unit_tests": {}, "macros": {"macro.x.m": macro}}


def kept(settings, tmp_path) -> dict:
    found = json.loads((published.write(settings, tmp_path / "state") / "manifest.json").read_text())
    return {**{name.rpartition(".")[2]: node["checksum"] for name, node in found["nodes"].items()}, **found["macros"]}


def test_a_whole_publication_is_the_whole_project(lake_settings, tmp_path):
    published.keep(lake_settings, project("o1", "r1"), (), everything=True)
    published.keep(lake_settings, project("o2", "r2", "m2"), (), everything=True)
    assert kept(lake_settings, tmp_path) == {"orders": "o2", "revenue": "r2", "macro.x.m": "m2"}


def test_a_publication_of_some_models_renews_those_alone(embedded, tmp_path):
    published.keep(embedded, project("o1", "r1"), (), everything=True)
    published.keep(embedded, project("o2", "r2", "m2"), {"model.x.revenue"}, everything=False)
    assert kept(embedded, tmp_path) == {"orders": "o1", "revenue": "r2", "macro.x.m": "m1"}


def test_what_was_never_published_is_not_in_it(embedded, tmp_path):
    published.keep(embedded, project("o1", "r1"), {"model.x.orders"}, everything=False)
    assert kept(embedded, tmp_path) == {"orders": "o1", "macro.x.m": "m1"}


def test_without_any_publication_it_says_what_to_do(embedded, tmp_path):
    with pytest.raises(NothingPublished, match="materialize daily_update"):
        published.write(embedded, tmp_path)
