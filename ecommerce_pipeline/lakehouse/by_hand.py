"""Branches in a person's hand: made, and published or dropped under the branch's lease, so never from under who builds.

Production's candidate is made by the runs alone, which throw it away at any time, so nothing can stand on it. It is
published by the run that made it and knows its checks; once that run is over, a person may drop it.
"""

from __future__ import annotations

from ecommerce_pipeline.lakehouse import branch
from ecommerce_pipeline.lakehouse import publish as publication
from ecommerce_pipeline.lakehouse.branch import CANDIDATE, Branch
from ecommerce_pipeline.lakehouse.errors import BranchError
from ecommerce_pipeline.lakehouse.lease import hold
from ecommerce_pipeline.lakehouse.publish import Publication
from ecommerce_pipeline.settings import Settings


def create(settings: Settings, name: str, base: str) -> Branch:
    """Make a branch as its base is now. Raises BranchError, for production's candidate too, as name and as base."""
    if CANDIDATE in (name, base):
        raise BranchError(
            f"`{CANDIDATE}` is production's candidate, which its runs make and throw away. Next: take another name and "
            "a base that stays"
        )
    return branch.create(settings, name, base)


def publish(settings: Settings, name: str) -> Publication:
    """Make what a branch changed production's own; nothing is tested here.

    Raises BranchError for production's candidate, LeaseHeld if somebody builds on the branch, and what
    `publish.publish` raises; nothing is published then.
    """
    if name == CANDIDATE:
        raise BranchError(
            f"`{name}` is published by the run that builds it, once its blocking checks have passed; nothing was "
            f"published. Next: `shopsphere branch show {name}` and `shopsphere branch diff {name}` tell what it holds; "
            "mend what its run was refused for, and run it again"
        )
    with hold(settings, [f"branch:{name}"], f"a publication of branch {name}") as lease:
        return publication.publish(settings, name, lease)


def drop(settings: Settings, name: str) -> None:
    """Throw a branch away, a refused candidate too. Raises BranchError, and LeaseHeld if somebody builds on it."""
    with hold(settings, [f"branch:{name}"], f"the end of branch {name}"):
        branch.drop(settings, name)
