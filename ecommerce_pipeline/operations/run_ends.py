"""What is written when a run has ended, whoever started it and however it ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from dagster import DagsterInstance

from ecommerce_pipeline.operations import pipeline_runs
from ecommerce_pipeline.operations.asset_graph import Graph
from ecommerce_pipeline.settings import Settings

log = logging.getLogger(__name__)


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
        log.warning("%s were not written: %s", what, " ".join(str(error).split())[:300])
