"""Publication on the real servers: readers of Trino see every table whole, and a run that a check refuses publishes
nothing.

Trino asks the catalog for a query's tables one after the other. A query that is being planned at the moment of a
publication may therefore read one table of before and another of after; see docs/adr/0003.
"""

from __future__ import annotations

import pytest

from ecommerce_pipeline.lakehouse import branch, reader
from tests.refusal import a_rule_nobody_keeps, models_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(3600)]
REVENUE = "select count(*) from finance.daily_revenue"


def test_a_reader_in_a_loop_saw_every_table_whole_and_none_go_back(a_day_later, watched_on_stack):
    seen = watched_on_stack.seen
    assert len(seen) > 5
    [before], [after] = set(seen[0]), set(seen[-1])
    assert before < after
    for table in zip(*seen, strict=True):
        assert list(table) == sorted(table)
        assert set(table) <= {before, after}
    failed = [said for said in watched_on_stack.complaints if not said.startswith("look")]
    assert failed == []


def test_what_was_published_before_can_still_be_read(a_day_later, company_on_stack):
    """The branch and production share files, and what the branch replaced was not deleted with it."""
    with reader.connect(company_on_stack.settings) as trino:
        told = trino.execute(
            'select snapshot_id from finance."daily_revenue$snapshots" order by committed_at'
        ).fetchall()
        counts = [trino.execute(f"{REVENUE} for version as of {snapshot}").fetchone()[0] for (snapshot,) in told]
    assert len(counts) > 1
    assert counts[-1] == counts[0] + 1  # a day a publication


@pytest.fixture
def a_check_that_fails(company_on_stack, tmp_path):
    """A rule of finance.daily_revenue that no day with an order keeps."""
    with a_rule_nobody_keeps(company_on_stack.settings, tmp_path):
        yield


@pytest.mark.usefixtures("a_check_that_fails")
def test_a_failing_check_publishes_nothing_and_keeps_the_candidate(a_day_later, company_on_stack):
    from ecommerce_pipeline.definitions import lakehouse
    from ecommerce_pipeline.operations import execution
    from ecommerce_pipeline.operations.selection import resolve

    settings = company_on_stack.settings
    before = models_of(settings)
    graph = lakehouse(settings)
    outcome = execution.run(settings, graph, resolve(graph, "finance.daily_revenue"))
    assert not outcome.succeeded
    [failure] = outcome.failures
    assert "daily_revenue_keeps_its_rules: nobody_ever_pays" in failure
    assert models_of(settings) == before
    assert [found.name for found in branch.list_branches(settings)] == ["lake_next"]
    with reader.connect(settings) as published, reader.connect(settings, "lake_next") as candidate:
        assert published.execute(REVENUE).fetchone() == candidate.execute(REVENUE).fetchone()
    branch.drop(settings, "lake_next")
    with reader.connect(settings) as published:
        assert published.execute(REVENUE).fetchone()[0] > 300
