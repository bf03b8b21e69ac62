"""The executor runs independent steps side by side, and is Dagster's in everything else: order, retries, failures,
interruption.
"""

import os
import signal
import subprocess
import threading
import time

import dagster as dg
import pytest

from ecommerce_pipeline.operations import execution
from ecommerce_pipeline.operations.selection import resolve
from ecommerce_pipeline.operations.threads import threads_executor
from ecommerce_pipeline.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


def run(settings, *assets):
    graph = dg.Definitions(assets=list(assets), executor=threads_executor)
    return execution.run(settings, graph, resolve(graph, "*"))


def test_independent_steps_work_at_the_same_time_and_what_reads_them_comes_after(settings):
    both = threading.Barrier(2, timeout=30)
    order = []

    @dg.asset
    def left():
        both.wait()
        order.append("left")

    @dg.asset
    def right():
        both.wait()
        order.append("right")

    @dg.asset(deps=[left, right])
    def last():
        order.append("last")

    outcome = run(settings, left, right, last)
    assert outcome.succeeded, outcome.failures
    assert order[-1] == "last"
    assert set(outcome.materialised) == {"left", "right", "last"}


def test_a_failed_step_spares_its_neighbour_and_skips_what_reads_it(settings):
    @dg.asset
    def broken():
        raise dg.Failure("the disk is full. Next: free some", allow_retries=False)

    @dg.asset
    def whole():
        time.sleep(0.2)

    @dg.asset(deps=[broken])
    def reader():
        raise AssertionError("must not run")

    outcome = run(settings, broken, whole, reader)
    assert not outcome.succeeded
    assert set(outcome.materialised) == {"whole"}
    assert outcome.failures == ("broken: the disk is full. Next: free some",)


def test_a_step_that_asks_for_another_try_gets_it(settings):
    tries = []

    @dg.asset
    def flaky(context: dg.AssetExecutionContext):
        tries.append(context.retry_number)
        if len(tries) < 3:
            raise dg.RetryRequested(max_retries=2, seconds_to_wait=0.1)

    assert run(settings, flaky).succeeded
    assert tries == [0, 1, 2]


def test_steps_of_one_pool_take_turns(settings):
    at_work = []

    def body():
        at_work.append(1)
        assert len(at_work) == 1
        time.sleep(0.3)
        at_work.pop()

    @dg.asset(pool="one_writer")
    def first():
        body()

    @dg.asset(pool="one_writer")
    def second():
        body()

    outcome = run(settings, first, second)
    assert outcome.succeeded, outcome.failures


def test_an_interrupted_run_ends_its_children_and_leaves_no_pool_held(settings):
    children = []

    @dg.asset(pool="one_writer")
    def waiting():
        child = subprocess.Popen(["sleep", "60"])
        children.append(child)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        if child.wait() != 0:
            raise dg.Failure("the child was ended", allow_retries=False)

    with pytest.raises(KeyboardInterrupt):
        run(settings, waiting)
    assert children[0].returncode == -signal.SIGTERM

    @dg.asset(pool="one_writer")
    def after():
        pass

    assert run(settings, after).succeeded
