"""The stack that is maltreated, started once for all the tests that do."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.stack_lab import Lab, laboratory


@pytest.fixture(scope="session")
def stack_lab() -> Iterator[Lab]:
    """Both lakes, loaded; in a folder that the servers' users may enter, which pytest's own is closed to."""
    folder = Path(tempfile.mkdtemp(prefix="shopsphere-faults-"))
    try:
        with laboratory(folder) as opened:
            yield opened
    finally:
        shutil.rmtree(folder, ignore_errors=True)
