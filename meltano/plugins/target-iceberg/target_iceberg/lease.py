"""One writer per table: a hook for the house's lease, loaded by name so that this package imports nothing of the
pipeline.

Correctness does not hang on it (the commit compares and sets); it spares two runs from reading the same source in
vain.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager, nullcontext

from .errors import LoadError
from .settings import Settings
from .table_plan import table_name


def hold_table(settings: Settings, stream: str, run_id: str) -> AbstractContextManager[object]:
    """The lease on the stream's table.

    Raises LoadError if the setting names no callable. The lease's own errors pass through.
    """
    if not settings.lease:
        return nullcontext()
    module, _, attribute = settings.lease.partition(":")
    try:
        hold = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise LoadError(f"target-iceberg: setting lease = {settings.lease!r} cannot be loaded: {error}") from error
    held: AbstractContextManager[object] = hold([table_name(stream, settings.default_target_schema)], f"run {run_id}")
    return held
