"""Models whose upstream is not in the lake are not begun, and the run says what is missing and what to do."""

import shutil

import pytest

from ecommerce_pipeline.definitions import lakehouse
from ecommerce_pipeline.operations import execution
from ecommerce_pipeline.operations.selection import resolve
from ecommerce_pipeline.settings import Settings, get_settings
from ecommerce_pipeline.transformation import project, upstream


@pytest.fixture(scope="module")
def manifest():
    return project.manifest(get_settings())


@pytest.fixture
def empty(tmp_path, manifest):
    settings = Settings(home=tmp_path)
    shutil.copytree(project.parse_dir(get_settings()), project.parse_dir(settings))
    return settings


def test_a_model_on_an_empty_lake_is_refused_with_what_to_materialise_first(empty):
    definitions = lakehouse(empty)
    outcome = execution.run(empty, definitions, resolve(definitions, "staging.stg_shop__orders"))
    assert not outcome.succeeded
    said = "\n".join(outcome.failures)
    assert "Nothing was built: the lake has no intermediate.int_decisions, raw_shop.orders" in said
    assert "shopsphere materialize '+staging.stg_shop__orders'" in said


def test_what_the_same_run_builds_is_not_missing_and_models_inside_others_are_looked_through(empty, manifest):
    selected = {"model.shopsphere_lake.stg_shop__orders", "model.shopsphere_lake.int_decisions"}
    assert upstream.missing(empty, manifest, selected, "lake") == {
        "quality.decisions": {"intermediate.int_decisions"},
        "raw_shop.orders": {"staging.stg_shop__orders"},
    }


def test_the_table_that_the_first_reject_makes_is_missed_by_nobody(empty, manifest):
    assert "quality.rejects" not in upstream.missing(empty, manifest, {"model.shopsphere_lake.results"}, "lake")
