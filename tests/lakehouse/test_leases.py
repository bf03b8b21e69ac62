"""Leases: one writer at a time, and a dead one blocks nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import select, update

from ecommerce_pipeline.lakehouse import database, lease
from ecommerce_pipeline.lakehouse.database import leases
from ecommerce_pipeline.lakehouse.errors import LeaseHeld, LeaseLost
from ecommerce_pipeline.lakehouse.lease import hold, hold_tables

ORDERS, LINES = "table:raw_shop.orders", "table:raw_shop.order_items"

HOLDER = """
import sys, time
from ecommerce_pipeline.lakehouse.lease import hold_tables
with hold_tables(["raw_shop.orders"], "another process"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_process(lake_settings):
    """A process that holds raw_shop.orders the way the Singer target does."""
    environment = os.environ | {
        "SHOPSPHERE_HOME": str(lake_settings.home),
        "SHOPSPHERE_LAKE_CATALOG_URI": lake_settings.lake_catalog_uri.get_secret_value(),
    }
    process = subprocess.Popen([sys.executable, "-c", HOLDER], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def fall_silent(settings) -> None:
    """As if the last sign of life of every holder were older than its time to live."""
    with database.transaction(settings) as connection:
        silent = leases.c.heartbeat_at - (lease.TIME_TO_LIVE_SECONDS + 1) * 1000
        connection.execute(update(leases).values(heartbeat_at=silent))


def test_a_second_writer_is_told_who_since_when_and_what_next(lake_settings):
    with hold(lake_settings, [ORDERS], "run 1"):
        with pytest.raises(LeaseHeld) as refusal, hold(lake_settings, [LINES, ORDERS], "run 2"):
            pytest.fail("two hold the same table")
        message = str(refusal.value)
        assert ORDERS in message
        assert f"run 1 (pid {os.getpid()} on " in message
        assert "since 20" in message
        assert "Next: wait" in message


def test_a_refused_writer_holds_nothing(lake_settings):
    with hold(lake_settings, [ORDERS], "run 1"):
        with pytest.raises(LeaseHeld), hold(lake_settings, [LINES, ORDERS], "run 2"):
            pytest.fail("two hold the same table")
        with hold(lake_settings, [LINES], "run 3"):
            pass


def test_a_lease_ends_with_its_block_even_if_the_block_fails(lake_settings):
    with pytest.raises(ZeroDivisionError), hold(lake_settings, [ORDERS], "run 1"):
        1 / 0  # noqa: B018
    with hold(lake_settings, [ORDERS], "run 2"):
        pass


def test_a_patient_writer_gets_the_table_when_it_is_given_back(lake_settings):
    import threading

    first = hold(lake_settings, [ORDERS], "run 1")
    first.__enter__()
    threading.Timer(0.3, first.__exit__, (None, None, None)).start()
    with hold(lake_settings, [ORDERS], "run 2", wait_seconds=20) as held:
        held.check()


def test_another_process_is_kept_out_and_after_a_kill_it_is_replaced_at_once(lake_settings, other_process):
    with (
        pytest.raises(LeaseHeld, match=f"another process \\(pid {other_process.pid} "),
        hold(lake_settings, [ORDERS], "me"),
    ):
        pytest.fail("two processes hold the same table")
    os.kill(other_process.pid, signal.SIGKILL)  # it stays a zombie until its parent looks: it must count as dead
    deadline = time.monotonic() + 5
    with hold(lake_settings, [ORDERS], "me", wait_seconds=5):
        assert time.monotonic() < deadline


def test_a_pid_that_another_process_got_since_counts_as_dead(lake_settings):
    with hold(lake_settings, [ORDERS], "run 1"):
        with database.transaction(lake_settings) as connection:
            connection.execute(update(leases).values(process_started="before the last boot"))
        with hold(lake_settings, [ORDERS], "run 2"):
            pass


def test_a_holder_elsewhere_is_replaced_only_after_its_time_to_live(lake_settings):
    with hold(lake_settings, [ORDERS], "run 1") as lost:
        with database.transaction(lake_settings) as connection:
            connection.execute(update(leases).values(host="elsewhere"))
        with pytest.raises(LeaseHeld, match="on elsewhere"), hold(lake_settings, [ORDERS], "run 2"):
            pytest.fail("it was alive a moment ago")
        fall_silent(lake_settings)
        with hold(lake_settings, [ORDERS], "run 2") as held:
            held.check()
            with pytest.raises(LeaseLost, match="taken over"):
                lost.check()


def test_a_lease_that_could_not_be_given_back_is_free_after_its_time_though_its_process_lives_on(lake_settings, caplog):
    def in_the_database(statement: str) -> None:
        with database.transaction(lake_settings) as connection:
            connection.exec_driver_sql(statement)

    with hold(lake_settings, [ORDERS], "a sensor"):
        in_the_database("alter table leases rename to leases_away")
    in_the_database("alter table leases_away rename to leases")  # the block ended well, its lease did not
    assert f"the lease on {ORDERS} could not be given back" in caplog.text
    with pytest.raises(LeaseHeld, match="a sensor"), hold(lake_settings, [ORDERS], "its next look"):
        pytest.fail("it was alive a moment ago")
    fall_silent(lake_settings)
    with hold(lake_settings, [ORDERS], "its next look") as held:
        held.check()


def test_a_block_that_fails_in_an_outage_fails_with_its_own_error(lake_settings):
    def lose_the_database_and_fail() -> None:
        with database.transaction(lake_settings) as connection:
            connection.exec_driver_sql("drop table leases")
        1 / 0  # noqa: B018

    with pytest.raises(ZeroDivisionError), hold(lake_settings, [ORDERS], "run 1"):
        lose_the_database_and_fail()


def test_the_heartbeat_keeps_a_lease_fresh(lake_settings, monkeypatch):
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.02)

    def beat() -> int:
        with database.snapshot(lake_settings) as connection:
            return connection.scalar(select(leases.c.heartbeat_at))

    with hold(lake_settings, [ORDERS], "run 1"):
        first, deadline = beat(), time.monotonic() + 10
        while beat() == first and time.monotonic() < deadline:
            time.sleep(0.01)
        assert beat() > first


def test_many_at_once_never_hold_the_same_table_together(lake_settings):
    import threading

    inside, most, won = [0], [0], []
    guard = threading.Lock()

    def compete(number: int) -> None:
        with hold(lake_settings, [ORDERS, LINES], f"thread {number}", wait_seconds=60):
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.005)
            with guard:
                inside[0] -= 1
                won.append(number)

    threads = [threading.Thread(target=compete, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == list(range(5))
    assert most == [1]


def test_the_targets_entry_holds_tables_by_their_addresses(embedded, monkeypatch):
    monkeypatch.setattr(lease, "get_settings", lambda: embedded)
    with hold_tables(["raw_shop.orders"], "target"), pytest.raises(LeaseHeld), hold(embedded, [ORDERS], "dbt"):
        pytest.fail("two hold the same table")
