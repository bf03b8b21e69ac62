"""How the stack's servers come up for whichever command needs them, and what is said meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecommerce_pipeline.cli import console

if TYPE_CHECKING:
    from ecommerce_pipeline.settings import Settings

LOG_NAME = "ecommerce_pipeline.operations.stack"


def start(settings: Settings) -> Settings:
    """The servers, ready; returns the settings with the secrets that were made on the way."""
    from ecommerce_pipeline.operations import stack

    with console.told("starting the stack's servers", LOG_NAME):
        return stack.start(settings)
