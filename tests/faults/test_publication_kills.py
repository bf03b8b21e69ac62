"""A publication killed at any moment leaves production as before or as after, never between, and can be repeated."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ecommerce_pipeline.lakehouse import branch, reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.lakehouse.publish import publish
from tests.lakehouse.conftest import lake_settings, postgres  # noqa: F401 - fixtures
from tests.lakehouse.iceberg import versions, write

OLD = {"core.orders": 1, "finance.revenue": 1, "growth.cohorts": 1}
NEW = {"core.orders": 2, "finance.revenue": 2, "ml.features": 2}


class Victims:
    """The process that forks publications to be killed."""

    def __init__(self, settings) -> None:
        self._lake = {"home": str(settings.home), "uri": settings.lake_catalog_uri.get_secret_value()}
        program = Path(__file__).with_name("publication_victim.py")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, str(program)], **pipes, env=dict(os.environ))

    def publish(self, moment: str, statement: int = 0) -> int | None:
        """Publish `candidate` and die; at the commit, how many statements came before it."""
        order = {**self._lake, "branch": "candidate", "moment": moment, "statement": statement}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        statements = answer.get("statements")
        if statements is not None:
            answer = json.loads(self.process.stdout.readline())
        assert answer == {"signal": signal.SIGKILL}
        return statements

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def victims(lake_settings):  # noqa: F811
    opened = Victims(lake_settings)
    yield opened
    opened.close()


@pytest.fixture
def lake(lake_settings):  # noqa: F811
    """OLD in production; publishing the branch `candidate` makes it NEW."""
    for table in OLD:
        write(lake_settings, table, 1)
    branch.create(lake_settings, "candidate")
    for table in NEW:
        write(lake_settings, table, 2, "candidate")
    open_catalog(lake_settings, "candidate").drop_table("growth.cohorts")
    return lake_settings


def test_killed_at_any_step_before_the_commit_nothing_is_published(lake, victims):
    """Each SQL statement is two steps, before and after it, and the commit is the last; 20 are drawn at random."""
    statements = victims.publish("commit")
    assert statements > len(OLD.keys() | NEW.keys())
    steps = [(moment, n) for moment in ("before", "after") for n in range(1, statements + 1)]
    for moment, statement in [("commit", statements), *random.sample(steps, min(20, len(steps)))]:
        victims.publish(moment, statement)
        assert versions(lake) == OLD, (moment, statement)
        assert [b.name for b in branch.list_branches(lake)] == ["candidate"]
    assert {str(t.name) for t in publish(lake, "candidate").tables} == OLD.keys() | NEW.keys()
    with reader.connect(lake) as connection:
        assert connection.execute("select distinct version from ml.features").fetchall() == [(2,)]
    assert versions(lake) == NEW


def test_killed_right_after_the_commit_everything_is_published(lake, victims):
    victims.publish("end")
    assert versions(lake) == NEW
    assert branch.list_branches(lake) == []
