"""kill -9 of a server while a run needs it: the run recovers or says what to do, and the next one ends in exactly the
rows of a lake that nothing has happened to.

The moment is a fact and not a time: the loader has a connection to the server. The supervisor starts a killed server
again, and the run may or may not outlive that; both are well.
"""

from __future__ import annotations

import pytest

from tests.faults.stack_lab import LOAD

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


def speaks_plainly(code: int, said: str) -> bool:
    """Whether the run went well, or failed with the next step and without a traceback."""
    return code == 0 or (code in (1, 3) and "Next:" in said and "Traceback" not in said)


def test_the_object_store_is_killed_during_ingestion(stack_lab):
    stack_lab.stack.run("simulate", "--days", "1")
    loading = stack_lab.is_talking("target-iceberg", stack_lab.stack.settings.minio_port)
    code, said = stack_lab.suffer(LOAD, "minio", loading)
    assert speaks_plainly(code, said), said
    stack_lab.recover(LOAD)
    stack_lab.compare()
