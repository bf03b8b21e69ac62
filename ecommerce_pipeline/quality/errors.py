"""What can go wrong when a person decides about records; each message names the thing, the place and the next step."""

from __future__ import annotations


class QualityError(Exception):
    """A record, a decision or a value that cannot be; the text is fit for a person."""
