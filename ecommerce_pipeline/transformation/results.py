"""What dbt did, read from its results: which tables were built, which checks held, and what stands against publication.

A result blocks publication when dbt calls it an error: a model that did not build, or a test of error severity that
found rows. A test of warn severity is reported and blocks nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster import AssetCheckKey, AssetCheckResult, AssetCheckSeverity, AssetKey
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from ecommerce_pipeline.transformation.dbt_process import RESULTS
from ecommerce_pipeline.transformation.project import Manifest
from ecommerce_pipeline.transformation.translator import ModelTranslator

BUILT = {"success", "no-op", "reused"}
BLOCKING = {"error", "fail", "runtime error"}


@dataclass(frozen=True)
class NodeResult:
    """One node's outcome: status in dbt's words, seconds, rows that failed (tests), dbt's message, and the rules that
    were broken with their rows, where that was asked.
    """

    unique_id: str
    status: str
    seconds: float
    failures: int | None
    message: str
    compiled_code: str
    broken_rules: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_test(self) -> bool:
        """A data test, as opposed to a model, seed or snapshot."""
        return self.unique_id.startswith("test.")

    @property
    def tests(self) -> bool:
        """A test of data or of a formula."""
        return self.unique_id.startswith(("test.", "unit_test."))

    @property
    def reason(self) -> str:
        """Why it is as it is: the broken rules, or dbt's message."""
        return ", ".join(f"{rule} ({rows:,} rows)" for rule, rows in self.broken_rules.items()) or self.message

    @property
    def blocks(self) -> bool:
        """It stands against publication."""
        return self.status in BLOCKING

    @property
    def name(self) -> str:
        """The node's name without package and type."""
        return self.unique_id.split(".")[2]


def read(target_path: Path, *, unit_tests: bool = False) -> list[NodeResult]:
    """The results of the last run, in the order of completion, which is a topological one."""
    results = json.loads((target_path / RESULTS).read_bytes())["results"]
    # dbt lists exposures and unit tests among its results; neither is a table of the graph
    left_out = ("exposure.",) if unit_tests else ("exposure.", "unit_test.")
    return [_result(entry) for entry in results if not entry["unique_id"].startswith(left_out)]


def keys_built(
    results: Iterable[NodeResult], manifest: Manifest, translator: ModelTranslator
) -> dict[AssetKey, NodeResult]:
    """The tables that were built, by asset key, upstream first."""
    return {
        translator.get_asset_key(manifest["nodes"][result.unique_id]): result
        for result in results
        if not result.is_test and result.status in BUILT
    }


def checks(
    results: Iterable[NodeResult], manifest: Manifest, translator: ModelTranslator, expected: set[AssetCheckKey]
) -> Iterator[AssetCheckResult]:
    """A check result for each test that ran and that the run was asked for; a skipped test says nothing."""
    for result in results:
        if not result.is_test or result.status == "skipped":
            continue
        key = get_asset_check_key_for_test(manifest, translator, result.unique_id, project=None)
        if key in expected and key is not None:
            yield _check(key, result)


def _check(key: AssetCheckKey, result: NodeResult) -> AssetCheckResult:
    metadata: dict[str, Any] = {"status": result.status, "seconds": result.seconds}
    if result.failures is not None:
        metadata["dagster_dbt/failed_row_count"] = result.failures
    if result.broken_rules:
        metadata["broken_rules"] = dict(result.broken_rules)
    if result.message:
        metadata["message"] = result.message
    return AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.status == "pass",
        severity=AssetCheckSeverity.ERROR if result.blocks else AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def _result(entry: Mapping[str, Any]) -> NodeResult:
    return NodeResult(
        unique_id=entry["unique_id"],
        status=str(entry["status"]).lower(),
        seconds=round(float(entry.get("execution_time") or 0.0), 3),
        failures=entry.get("failures"),
        message=entry.get("message") or "",
        compiled_code=entry.get("compiled_code") or "",
    )
