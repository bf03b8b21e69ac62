"""The one error that ends a run: something only a person can put right. Bad lines are rejects."""

from __future__ import annotations


class FilesError(Exception):
    """The run cannot go on; the message names the thing, the place and the next step."""
