"""Errors the loader raises on purpose:

each names the thing, the place and the next step, so they are shown without a traceback.
"""

from __future__ import annotations


class LoadError(Exception):
    """The run stops; every table is left as it was before the stream that failed."""


class BookmarkMovedError(LoadError):
    """Another run committed to the table since this run read its bookmark."""


class RecordsDisagreeError(LoadError):
    """The table's properties and its snapshots tell different commit records."""


class IncompatibleTypeError(LoadError):
    """A column's type changed in a way that no exact conversion covers."""


class CommitInDoubtError(LoadError):
    """The catalog's answer to a commit was lost: it may stand, so its files must."""


IN_DOUBT = (CommitInDoubtError, KeyboardInterrupt, SystemExit)
"""What leaves a commit in doubt: its files are kept, and swept later if no table holds them."""
