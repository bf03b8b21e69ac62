"""How a table is kept is said beside its model, and a word that is none is refused."""

import pytest

from ecommerce_pipeline.lakehouse.compaction import Policy
from ecommerce_pipeline.lakehouse.pointers import Name
from ecommerce_pipeline.transformation.dbt import DbtError
from ecommerce_pipeline.transformation.table_policies import policies


def manifest(upkeep):
    node = {"schema": "core", "alias": "fct_orders", "name": "fct_orders", "original_file_path": "models/core/x.sql"}
    source = {"schema": "raw_shop", "identifier": "orders", "name": "orders", "original_file_path": "models/s.yml"}
    return {
        "nodes": {"model.x": {**node, "config": {"meta": {"upkeep": upkeep}}}, "model.y": {**node, "config": {}}},
        "sources": {"source.x": {**source, "meta": {"upkeep": {"keep_days": 30}}}},
    }


def test_a_model_and_a_source_say_how_they_are_kept():
    assert policies(manifest({"sort_by": ["order_date"], "min_files": 5})) == {
        Name("core", "fct_orders"): Policy(min_files=5, sort_by=("order_date",)),
        Name("raw_shop", "orders"): Policy(keep_days=30),
    }


@pytest.mark.parametrize("wrong", [{"keep_dayz": 3}, {"keep_days": "a week"}, {"keep_days": -1}, {"min_files": True}])
def test_a_word_that_is_none_is_refused_with_the_file_and_the_choice(wrong):
    with pytest.raises(DbtError, match=rf"models/core/x\.sql: .*{next(iter(wrong))}.*Next: write whole numbers"):
        policies(manifest(wrong))
