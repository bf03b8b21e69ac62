"""Building on a branch of one's own: models as this checkout has them, on production's rows, seen by nobody else.

A branch starts as all of production, so what is not built is simply read from there: dbt's `--defer` has nothing left
to do. A model is computed from all its rows unless told otherwise: going on incrementally from what production's code
made would show the change on tomorrow's rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ecommerce_pipeline.lakehouse import branch, lease
from ecommerce_pipeline.lakehouse.branch import CANDIDATE
from ecommerce_pipeline.lakehouse.catalog import LAKE, check_exists
from ecommerce_pipeline.lakehouse.errors import BranchError
from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation import broken_rules, dbt, project, published, results
from ecommerce_pipeline.transformation.dbt_process import RESULTS
from ecommerce_pipeline.transformation.results import NodeResult

CHANGED = "state:modified+"  # what differs from the published project, and everything that hangs on it
NOTHING_SELECTED = '{"silence": ["NoNodesForSelectionCriteria"], "error": ["NodeNotFoundOrDisabled"]}'
Say = Callable[[str], None]


class Built(NamedTuple):
    """What dbt did on the branch, tests and unit tests among it, in the order of completion."""

    results: tuple[NodeResult, ...]

    @property
    def models(self) -> tuple[NodeResult, ...]:
        """Models and seeds that were built."""
        return tuple(one for one in self.results if not one.tests and one.status in results.BUILT)

    @property
    def failed(self) -> tuple[NodeResult, ...]:
        """What would stand against a publication."""
        return tuple(one for one in self.results if one.blocks)


def build(
    settings: Settings,
    name: str,
    select: Sequence[str] = (),
    *,
    incremental: bool = False,
    say: Say = lambda _: None,
) -> Built:
    """Build and test on the branch what `select` means in dbt's words; without, what was changed since the last
    publication and what hangs on it.

    Nothing is published. `say` gets a line a model. Raises BranchError for a branch that is not there or is not one's
    own, LeaseHeld if somebody builds on it, NothingPublished, and DbtError if dbt could not begin.
    """
    check_own(settings, name)
    target_path = project.branch_dir(settings, name)
    if select:
        chosen = ["--select", *select]
    else:
        state = published.write(settings, target_path / "published")
        chosen = ["--select", CHANGED, "--state", str(state), "--warn-error-options", NOTHING_SELECTED]
    refresh = [] if incremental else ["--full-refresh"]
    with lease.hold(settings, [f"branch:{name}"], f"a build on branch {name}"):
        return _run(settings, name, ["build", *chosen, *refresh], target_path, say)


def fresh(settings: Settings, name: str) -> None:
    """A branch of this name as production is now; one that is there is thrown away. Raises BranchError, and LeaseHeld
    if somebody builds on it.
    """
    with lease.hold(settings, [f"branch:{name}"], f"a fresh branch {name}"):
        if name != CANDIDATE and name in [one.name for one in branch.list_branches(settings)]:
            branch.drop(settings, name)
        branch.create(settings, name)


def check_own(settings: Settings, name: str) -> None:
    """Raise BranchError unless there is such a branch and a person may build on it."""
    if name in (LAKE, CANDIDATE):
        raise BranchError(
            f"`{name}` is written by production's runs alone. Next: `shopsphere branch create NAME`, and build there"
        )
    check_exists(settings, name)
    catalog = settings.root / "trino" / "catalog" / f"{name}.properties"
    if settings.profile == "stack" and not catalog.exists():
        raise BranchError(
            f"Trino builds only on branches that are its catalogs, and there is no trino/catalog/{name}.properties. "
            "Next: build on a branch `lake_dev`, or see docs/guides/development.md"
        )


def _run(settings: Settings, name: str, arguments: Sequence[str], target_path: Path, say: Say) -> Built:
    manifest = project.manifest(settings)
    (target_path / RESULTS).unlink(missing_ok=True)
    invocation = dbt.start(
        settings,
        arguments,
        project_dir=project.project_dir(settings),
        target_path=project.with_partial_parse(settings, target_path),
        environment={"SHOPSPHERE_BRANCH": name},
    )
    for event in invocation.events():
        if event["info"]["name"] in dbt.FINISHED:
            say(str(event["info"]["msg"]))
    if not (target_path / RESULTS).exists():
        raise dbt.DbtError(dbt.failure_message(invocation, "dbt build"))
    found = results.read(target_path, unit_tests=True)
    return Built(tuple(broken_rules.named(settings, manifest, name, found)))
