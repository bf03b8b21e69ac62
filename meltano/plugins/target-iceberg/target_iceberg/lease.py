"""One writer per table: a hook for the house's lease, loaded by name so that this package imports nothing of the
pipeline.

Correctness does not hang on it (the commit compares and sets); it spares two runs from reading the same source in
vain.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from .errors import LoadError
from .settings import Settings
from .table_plan import table_name


@contextmanager
def hold_table(settings: Settings, stream: str, run_id: str) -> Iterator[None]:
    """Hold the lease on the stream's table; raises LoadError if somebody else holds it, with the lease's own words."""
    if not settings.lease:
        yield
        return
    held = _load(settings.lease)([table_name(stream, settings.default_target_schema)], f"run {run_id}")
    try:
        held.__enter__()
    except Exception as error:
        raise LoadError(f"stream {stream}: {error}") from error
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def _load(address: str) -> Callable[[list[str], str], AbstractContextManager[object]]:
    module, _, attribute = address.partition(":")
    try:
        found: Callable[[list[str], str], AbstractContextManager[object]]
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise LoadError(f"target-iceberg: setting lease = {address!r} cannot be loaded: {error}") from error
    return found
