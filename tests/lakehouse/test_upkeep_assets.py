"""Housekeeping as Dagster sees it: a step each, with what it did, one after the other."""

from __future__ import annotations

import dagster as dg

from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.operations.upkeep_assets import STEPS, upkeep_assets
from tests.lakehouse.test_compaction import OF_FOUR, loaded, rows_of


def made(settings, **how):
    """What a run of all steps told, step by step."""
    run = dg.materialize(upkeep_assets(settings, lambda: OF_FOUR), **how)
    told = [event.materialization for event in run.get_asset_materialization_events()]
    return {one.asset_key.path[-1]: {name: value.value for name, value in one.metadata.items()} for one in told}


def test_every_step_says_what_it_did_and_no_row_changes(embedded):
    loaded(embedded)
    before = rows_of(embedded)
    done = made(embedded)
    assert list(done) == list(STEPS)
    assert done["branches"] == {"branches_dropped": 0, "names": "none"}
    assert done["small_files"] == {"tables": 1, "files_before": 12, "files_after": 1}
    assert done["old_snapshots"] == {"tables": 0, "snapshots_dropped": 0, "snapshots_kept": 0}
    assert done["orphan_files"] == {"files_deleted": 0, "bytes_freed": 0}
    assert done["finished_runs"] == {"runs_forgotten": 0}
    assert rows_of(embedded) == before


def test_a_run_that_builds_stops_the_housekeeping_before_it_deletes_anything(embedded):
    loaded(embedded)
    with hold(embedded, ["branch:lake_next"], "a run"):
        assert list(made(embedded, raise_on_error=False)) == ["branches"]
    assert list(made(embedded)) == list(STEPS)
