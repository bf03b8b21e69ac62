"""Dagster's part: a look every minute, on by default. Without addresses it keeps the incidents and tells nobody."""

from __future__ import annotations

from datetime import UTC, datetime

from dagster import DefaultSensorStatus, SensorDefinition, SensorEvaluationContext, SkipReason, sensor

from ecommerce_pipeline.lakehouse.errors import LeaseHeld
from ecommerce_pipeline.operations import open_lineage
from ecommerce_pipeline.operations.alerts import watch
from ecommerce_pipeline.settings import Settings


def alerts(settings: Settings) -> SensorDefinition:
    """The sensor; it starts no runs."""

    @sensor(
        name="alerts",
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.RUNNING,
        description="Tells of what went wrong and of what is well again, once each; sends again what was not taken.",
    )
    def look_for_alerts(context: SensorEvaluationContext) -> SkipReason:
        assert context.repository_def is not None  # noqa: S101 (the daemon always gives it)
        try:
            found = watch.look(settings, context.instance, context.repository_def.asset_graph, datetime.now(UTC))
        except LeaseHeld as held:
            return SkipReason(f"another look is at work: {held}")
        late = open_lineage.send(settings, context.instance, context.repository_def.asset_graph, datetime.now(UTC))
        for failure in (*found.failures, *late):
            context.log.warning(failure)
        return SkipReason(f"{len(found.opened)} opened, {len(found.recovered)} recovered, {found.told} messages told")

    return look_for_alerts
