"""A stack is lost with everything on it: a backup, put back into an empty one, is the lake of that moment, and the next
ingestion brings exactly what the sources have had since.
"""

from __future__ import annotations

import pytest

from tests.faults.stack_lab import BUILD, LOAD, Lab, share_sources
from tests.stack.lakes import difference, lake

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]


@pytest.mark.soak
def test_a_backup_comes_back_whole_into_an_empty_stack_which_then_reads_on(stack_lab):
    stack, calm, folder = stack_lab.stack, stack_lab.calm, stack_lab.stack.home / "backups"
    for lake_of, selection in ((stack, LOAD), (calm, LOAD), (stack, BUILD)):
        lake_of.run("materialize", selection)
    kept = stack.tables()
    stack.run("backup", str(folder))
    stack.run("simulate", "--days", "1")
    empty = stack.home.parent / "empty"
    empty.mkdir()
    with lake("stack", empty) as other:
        other.run("stack", "up", "--no-dashboards")
        share_sources(stack, other)
        assert "counted" in other.run("restore", str(folder))
        restored = other.tables()
        assert set(restored) == set(kept)
        assert {a: d for a, rows in kept.items() if (d := difference(rows, restored[a], rows.column_names))} == {}
        for lake_of in (other, calm):
            for selection in (LOAD, BUILD):
                lake_of.run("materialize", selection)
        Lab(other, calm).compare()
