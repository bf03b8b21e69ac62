"""A run that a check refuses, on either profile: how the rule is broken, and what must not have moved."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ecommerce_pipeline.lakehouse.tables import TableStatus, table_statuses
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation import project

KEPT = "revenue_is_not_negative: total_revenue >= 0"


def models_of(settings: Settings) -> list[TableStatus]:
    """What production's models hold; the records of runs and checks apart, which grow by every run."""
    return [status for status in table_statuses(settings) if status.namespace not in ("ops", "quality")]


@contextmanager
def a_rule_nobody_keeps(settings: Settings, folder: Path) -> Iterator[None]:
    """The project, copied to the folder, with one more rule, which every day of finance.daily_revenue with an order
    breaks.
    """
    copy = folder / "dbt"
    shutil.copytree(project.project_dir(settings), copy)
    promises = copy / "models/finance/_finance.yml"
    text = promises.read_text()
    assert f"rules: {{accuracy: {{{KEPT}" in text
    promises.write_text(text.replace(KEPT, f"nobody_ever_pays: total_revenue = 0, {KEPT}", 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project, "project_dir", lambda _settings: copy)
        yield
    # dbt takes a schema file whose time of change is one it has seen for unchanged, and the real one's is
    (project.parse_dir(settings) / project.PARTIAL_PARSE).unlink()
