"""What checks and corrections cost: CPU-seconds of dbt for all models with them, and without.

Both build every table anew on a branch of the same lake, by turns; of each the cheapest counts, because whatever else
the machine does makes a run dearer and none cheaper. Left out of the second are all checks, the quality tables, what
only they read, and the day's reconciliation. The cleaning of what people type stays in both: it is the value.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from benchmarks.exam.company import examinee
from ecommerce_pipeline.lakehouse import branch
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation import dbt, project

TURNS = 2
UNTIL, FAULTS, BRANCH = date(2017, 12, 15), 0.05, "cost"
LOADED = "group:raw, quality.rejects, quality.decisions"
WITH = ["build", "--full-refresh", "--exclude-resource-type", "unit_test"]
WITHOUT = [
    "build", "--full-refresh", "--exclude-resource-types", "unit_test", "test",
    "--exclude", "path:models/quality", "int_raw_commits", "daily_compliance",
]  # fmt: skip


def measured(home: Path, scale: float) -> str:
    """A year of the company at that scale with faults, built both ways; the figures as Markdown."""
    with examinee(home, scale) as student:
        student.live(UNTIL, FAULTS)
        student.load(LOADED)
        project.manifest(student.settings)
        turns = [[_cpu_seconds(student.settings, arguments) for arguments in (WITHOUT, WITH)] for _ in range(TURNS)]
    without, full = map(min, zip(*turns, strict=True))
    return "\n".join(
        [
            "| dbt, every table anew | CPU-s |",
            "|---|---|",
            f"| models alone | {without:.1f} |",
            f"| with checks and quality tables | {full:.1f} |",
            "",
            f"Checks and corrections add **{full / without - 1:.0%}** (limit 35 %).",
        ]
    )


def _cpu_seconds(settings: Settings, arguments: list[str]) -> float:
    branch.create(settings, BRANCH)
    try:
        invocation = dbt.start(
            settings,
            arguments,
            project_dir=project.project_dir(settings),
            target_path=project.with_partial_parse(settings, settings.home / "cost"),
            environment={"SHOPSPHERE_BRANCH": BRANCH},
        )
        said = [str(event["info"]["msg"]) for event in invocation.events()]
    finally:
        branch.drop(settings, BRANCH)
    if invocation.returncode:
        raise dbt.DbtError(dbt.failure_message(invocation, "dbt build", said))
    return invocation.cpu_seconds
