"""Which rules a failed check found broken: asked again of the candidate, and only when there was a failure.

One check holds all the rules of a model, because each dbt node costs more than the scan itself; dbt says how many rows
failed, and the reader of the message wants to know of what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation.project import Manifest
from ecommerce_pipeline.transformation.results import NodeResult

TEST = "holds"  # dbt/macros/tests/holds.sql: its rows are broken_rule, broken_rows


def named(settings: Settings, manifest: Manifest, branch: str, results: Sequence[NodeResult]) -> list[NodeResult]:
    """The results, those of checks with broken rules saying which, and of how many rows; what the engine raises is
    passed on.
    """
    if not any(_has_broken_rules(manifest, result) for result in results):
        return list(results)
    with reader.connect(settings, branch) as connection:
        return [
            replace(result, broken_rules=dict(connection.execute(result.compiled_code).fetchall()))
            if _has_broken_rules(manifest, result)
            else result
            for result in results
        ]


def _has_broken_rules(manifest: Manifest, result: NodeResult) -> bool:
    if not result.is_test or not result.failures:
        return False
    return (manifest["nodes"][result.unique_id].get("test_metadata") or {}).get("name") == TEST
