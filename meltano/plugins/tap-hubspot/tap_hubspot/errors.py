"""The error that ends a run on purpose: it names the thing, the place and the next step, without a traceback."""

from __future__ import annotations


class HubspotError(Exception):
    """The run cannot go on."""
