"""One owner for every long-lived process: it starts them, says what is wrong, and leaves nothing behind."""

from __future__ import annotations

import logging
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.operations import services as owner
from ecommerce_pipeline.operations.processes import is_alive, with_mark
from ecommerce_pipeline.operations.services import Program, ServiceError
from ecommerce_pipeline.operations.supervision import MARK, Run
from ecommerce_pipeline.settings import Settings
from shopsphere import company, postgres, services
from shopsphere.state import Places, read_json
from tests.shopsphere.conftest import somewhere

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
HAS_CHILD = [
    sys.executable,
    "-c",
    "import subprocess, sys; subprocess.Popen(['sleep', '600'], start_new_session=True).wait()",
]


@pytest.fixture
def settings() -> Iterator[Settings]:
    with somewhere() as home:
        made = Settings(home=home / "a folder with 100% odd characters")
        try:
            yield made
        finally:
            owner.stop(made)


def marked(settings: Settings) -> list[int]:
    return with_mark(MARK, Run(settings).mark)


def test_nothing_outlives_stop_not_even_a_grandchild_in_a_session_of_its_own(settings: Settings) -> None:
    owner.start(settings, [Program("parent", HAS_CHILD)])
    deadline = time.monotonic() + 10
    while len(marked(settings)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = marked(settings)
    assert len(pids) == 3  # the supervisor, the parent, its child
    owner.stop(settings)
    assert not any(is_alive(pid) for pid in pids)
    assert owner.status(settings) == []
    assert not Run(settings).socket.exists()


def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next_start(settings: Settings) -> None:
    owner.start(settings, [Program("sleeper", SLEEPS)])
    [sleeper] = owner.status(settings)
    os.kill(int(Run(settings).pid_file.read_text()), signal.SIGKILL)
    owner.start(settings, [Program("sleeper", SLEEPS)])
    [again] = owner.status(settings)
    assert again.state == "RUNNING"
    assert again.pid != sleeper.pid
    assert not is_alive(sleeper.pid)


def test_starting_again_leaves_what_runs_and_adds_what_is_new(settings: Settings) -> None:
    owner.start(settings, [Program("one", SLEEPS)])
    before = {one.name: one.pid for one in owner.status(settings)}
    owner.start(settings, [Program("one", SLEEPS), Program("two", SLEEPS)])
    after = {one.name: one.pid for one in owner.status(settings)}
    assert after["one"] == before["one"]
    assert set(after) == {"one", "two"}
    owner.start(settings, [Program("one", [*SLEEPS, "changed"])])
    assert {one.name: one.pid for one in owner.status(settings)}["one"] != before["one"]


def test_a_program_that_ends_at_once_is_named_with_its_last_words_and_its_log(settings: Settings) -> None:
    dies = Program("dies", [sys.executable, "-c", "raise SystemExit('no such database')"])
    with pytest.raises(ServiceError, match=r"dies ended .*no such database.*dies\.log"):
        owner.start(settings, [dies])


def test_a_program_that_is_never_ready_is_named(settings: Settings) -> None:
    with pytest.raises(ServiceError, match=r"late was not ready within 2 seconds"):
        owner.start(settings, [Program("late", SLEEPS, ready=lambda: False, ready_seconds=2)])


def test_environment_and_arguments_reach_the_program_unchanged(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(os.environ['ODD'] + sys.argv[2]); time.sleep(600)"
    odd = 'a "quoted" 50% \\ value, and more'
    owner.start(
        settings, [Program("writer", [sys.executable, "-c", code, str(out), odd], {"ODD": odd}, ready=out.exists)]
    )
    assert out.read_text() == odd + odd


def test_the_control_socket_is_the_owners_alone(settings: Settings) -> None:
    owner.start(settings, [Program("sleeper", SLEEPS)])
    assert stat.S_IMODE(Run(settings).socket.stat().st_mode) == 0o600


def test_a_port_that_somebody_took_is_left_to_them(caplog: pytest.LogCaptureFixture) -> None:
    with somewhere() as home, socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        taken = thief.getsockname()[1]
        write_private(Places(home).ports, f'{{"hubspot": {taken}}}')
        with caplog.at_level(logging.WARNING, "shopsphere"):
            services._port(home, "hubspot")
        assert f"port {taken} of hubspot is taken" in caplog.text
        moved = read_json(Places(home).ports)["hubspot"]
        assert moved != taken
        assert company.connection_settings(home)["SHOPSPHERE_HUBSPOT_URL"].endswith(f":{moved}")


def test_connection_settings_go_into_the_env_file_and_leave_its_other_lines() -> None:
    with somewhere() as home:
        env = home / ".env"
        env.write_text("SHOPSPHERE_PROFILE=embedded\nSHOPSPHERE_SHOP_URL=old\n")
        company.write_connection_settings(home, env)
        lines = dict(line.split("=", 1) for line in env.read_text().splitlines())
        assert lines["SHOPSPHERE_PROFILE"] == "embedded"
        assert lines["SHOPSPHERE_SHOP_URL"].startswith("postgresql://meltano:")
        assert stat.S_IMODE(env.stat().st_mode) == 0o600


def test_a_lock_of_postgresql_whose_process_id_is_anothers_by_now_is_removed() -> None:
    with somewhere() as home:
        postgres.prepare(home)
        lock = Places(home).pg / "postmaster.pid"
        lock.write_text(f"{os.getpid()}\n{Places(home).pg}\n")
        postgres.prepare(home)
        assert not lock.exists()
