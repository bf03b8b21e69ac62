"""kill -9 of a server while a run needs it: the run recovers or says what to do, and the next one ends in exactly the
rows of a lake that nothing has happened to.

The moments are facts, not times: the loader has a connection to the object store, dbt has finished a first table on the
candidate. The supervisor starts a killed server again, and the run may or may not outlive that; both are well.
"""

from __future__ import annotations

import pytest

from tests.faults.stack_lab import BUILD, LOAD, Lab

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
SERVERS = {"minio": "minio_port", "postgresql": "postgres_port", "mariadb": "mariadb_port"}


def speaks_plainly(code: int, said: str) -> bool:
    """Whether the run went well, or failed with the next step and without a traceback."""
    return code == 0 or (code in (1, 3) and "Next:" in said and "Traceback" not in said)


def kill_during_ingestion(lab: Lab, victim: str) -> None:
    lab.stack.run("simulate", "--days", "1")
    program = "tap-sql" if victim == "mariadb" else "target-iceberg"
    moment = lab.is_talking(program, getattr(lab.stack.settings, SERVERS[victim]))
    code, said = lab.suffer(LOAD, victim, moment)
    assert speaks_plainly(code, said), said
    lab.recover(LOAD)
    lab.compare()


def kill_during_dbt(lab: Lab, victim: str) -> None:
    lab.stack.run("simulate", "--days", "1")
    lab.run_both(LOAD)
    code, said = lab.suffer(BUILD, victim, lab.is_building)
    assert speaks_plainly(code, said), said
    lab.recover(BUILD)
    lab.compare()


def test_the_object_store_is_killed_during_ingestion(stack_lab):
    kill_during_ingestion(stack_lab, "minio")


@pytest.mark.soak
def test_trino_is_killed_during_dbt(stack_lab):
    kill_during_dbt(stack_lab, "trino")


@pytest.mark.soak
@pytest.mark.parametrize("victim", ["postgresql", "mariadb"])
def test_a_database_is_killed_during_ingestion(stack_lab, victim):
    kill_during_ingestion(stack_lab, victim)


@pytest.mark.soak
@pytest.mark.parametrize("victim", ["minio", "postgresql"])
def test_a_server_is_killed_during_dbt(stack_lab, victim):
    kill_during_dbt(stack_lab, victim)


@pytest.mark.soak
def test_a_worker_is_killed_during_dbt(stack_lab):
    stack_lab.stack.run("stack", "up", "--workers", "1", "--no-dashboards")
    kill_during_dbt(stack_lab, "trino-worker-1")
