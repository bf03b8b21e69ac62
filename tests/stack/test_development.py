"""Development on the real servers: a branch that Trino builds on, and production that dbt cannot write."""

from __future__ import annotations

import pytest

from ecommerce_pipeline.lakehouse import branch, difference, reader
from ecommerce_pipeline.lakehouse.errors import BranchError
from ecommerce_pipeline.transformation import dbt, development, project
from tests.refusal import models_of

pytestmark = [pytest.mark.stack, pytest.mark.soak, pytest.mark.timeout(1800)]
LATEST = "select max(monthly_revenue), count(*) from finance.monthly_revenue"


@pytest.fixture
def settings(company_on_stack):
    settings = company_on_stack.settings
    branch.create(settings, "lake_dev")
    yield settings
    branch.drop(settings, "lake_dev")


def test_a_model_is_built_on_the_branch_and_told_against_production(settings):
    before = models_of(settings)
    built = development.build(settings, "lake_dev", ["monthly_revenue"])
    assert ([one.name for one in built.models], built.failed) == (["monthly_revenue"], ())
    [told] = difference.differences(settings, "lake_dev")
    assert (str(told.name), told.is_none) == ("finance.monthly_revenue", True)
    assert models_of(settings) == before
    with reader.connect(settings) as production, reader.connect(settings, "lake_dev") as mine:
        assert production.execute(LATEST).fetchall() == mine.execute(LATEST).fetchall()


def test_dbt_cannot_write_production(settings, tmp_path):
    before = models_of(settings)
    target = project.with_partial_parse(settings, tmp_path)
    arguments = ["run", "--select", "monthly_revenue"]
    with pytest.raises(dbt.DbtError, match=r"would write production's .*monthly_revenue"):
        dbt.run(settings, arguments, project_dir=project.project_dir(settings), target_path=target)
    assert models_of(settings) == before


def test_a_branch_that_trino_does_not_know_is_refused_with_what_to_do(settings):
    branch.create(settings, "alice")
    try:
        with pytest.raises(BranchError, match=r"trino/catalog/alice\.properties"):
            development.build(settings, "alice", ["monthly_revenue"])
    finally:
        branch.drop(settings, "alice")
