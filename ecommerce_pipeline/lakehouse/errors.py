"""What can go wrong in the lake, one class a cause, so that callers can tell what to retry from what to report.

Every message names the thing, the place and the next step; the CLI prints it as it is.
"""

from __future__ import annotations

# ruff: noqa: N818 - the classes are named after what happened


class LakehouseError(Exception):
    """Base of all errors of the lake; its text is fit for a person."""


class CatalogUnreadable(LakehouseError):
    """The catalog's database cannot be opened: unreachable, not a database, or without permission."""


class WarehouseMoved(LakehouseError):
    """The tables were written under another folder than the one the settings name now."""


class BranchError(LakehouseError):
    """A branch is unknown, exists already, or is named in a way that cannot be."""


class PublicationConflict(LakehouseError):
    """Somebody committed to a table after the branch was made; nothing was published."""


class SnapshotUnknown(LakehouseError):
    """The table, or the moment of it that was asked for, is not there."""


class NotRolledBack(LakehouseError):
    """The table is one that does not go back."""


class MirrorRefused(LakehouseError):
    """A foreign catalog holds a table of that name that is not ours, or will not do what it is asked."""


class LeaseHeld(LakehouseError):
    """Another process writes what this one wants to write."""


class LeaseLost(LakehouseError):
    """The lease was taken over while its holder was away; what follows must not be committed."""


class TrinoUnreachable(LakehouseError):
    """Trino does not answer, or broke off; the message names its address."""


class QueryRefused(LakehouseError):
    """A query is wrong, or would change something; in the engine's own words."""
