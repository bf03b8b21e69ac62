"""What is written when a run has ended, whoever started it and however it ended.

A run that was killed before it could record itself, or whose end met a lake that cannot be written, bears a tag and is
recorded when the next one ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from dagster import DagsterInstance, RunsFilter

from ecommerce_pipeline.lakehouse.errors import WarehouseMoved
from ecommerce_pipeline.operations import pipeline_runs
from ecommerce_pipeline.operations.asset_graph import Graph
from ecommerce_pipeline.operations.instance import UNRECORDED_TAG
from ecommerce_pipeline.settings import Settings

log = logging.getLogger(__name__)


def see_to(settings: Settings, instance: DagsterInstance, run_id: str, graph: Callable[[], Graph]) -> int:
    """Record a run, and those that could not be when they ended; returns the number of its rows.

    A lake that does not answer is a warning and 0: what the run did is told by whoever ran it, its record comes later.
    Raises WarehouseMoved.
    """
    if instance.has_run(run_id):  # it may have failed before there was one
        instance.add_run_tags(run_id, {UNRECORDED_TAG: "yes"})
    rows = 0
    for run in instance.get_runs(RunsFilter(tags={UNRECORDED_TAG: "yes"})):
        if run.run_id != run_id and not run.is_finished:
            continue  # whoever runs it will see to it
        try:
            done = 0 if pipeline_runs.has(settings, run.run_id) else record(settings, instance, run.run_id, graph)
        except WarehouseMoved:
            raise  # no outage: the settings are wrong, and nothing can be done before they are right
        except Exception as error:  # engines, stores and catalogs have each their own
            log.warning("run %s was not recorded; the next one's end does it: %s", run.run_id[:8], _line(error))
            break
        instance.add_run_tags(run.run_id, {UNRECORDED_TAG: "no"})
        rows += done if run.run_id == run_id else 0
    return rows


def record(settings: Settings, instance: DagsterInstance, run_id: str, graph: Callable[[], Graph]) -> int:
    """The rows of ops.pipeline_runs, and, where the settings ask for them, the metrics' file, the lineage events and
    production in another catalog.

    Returns the number of rows. Files and servers that cannot be written are a warning: the run is what it is.
    """
    rows = pipeline_runs.record(settings, instance, run_id)
    if settings.metrics_file:
        from ecommerce_pipeline.operations import metrics

        _aside("the metrics", lambda: metrics.write(settings, Path(settings.metrics_file)))
    if settings.openlineage_url or settings.openlineage_file:
        from ecommerce_pipeline.operations import open_lineage

        _aside("the lineage events", lambda: open_lineage.emit(settings, instance, graph(), run_id))
    if settings.mirror_uri:
        from ecommerce_pipeline.lakehouse import mirror

        _aside("the tables shown in another catalog", lambda: mirror.follow(settings))
    return rows


def _aside(what: str, write: Callable[[], object]) -> None:
    try:
        write()
    except Exception as error:  # each transport has its own errors, and none is the run's
        log.warning("%s were not written: %s", what, _line(error))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
