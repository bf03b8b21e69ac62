"""`shopsphere stack` where nothing runs, or nothing can: one line, the next step, and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOPSPHERE = Path(sys.executable).with_name("shopsphere")


@pytest.fixture
def stack(tmp_path):
    own = {
        "SHOPSPHERE_HOME": str(tmp_path / "var"),
        "SHOPSPHERE_ENV_FILE": str(tmp_path / ".env"),
        "HOME": str(tmp_path),
    }

    def command(*arguments, **environment):
        env = {**os.environ, **own, **environment}
        return subprocess.run([SHOPSPHERE, "stack", *arguments], capture_output=True, text=True, env=env, check=False)

    return command


def test_every_command_explains_itself(stack):
    for name in ("up", "down", "status", "logs", "restart"):
        assert "Usage" in stack(name, "--help").stdout


def test_the_status_of_nothing_says_how_to_start(stack):
    answer = stack("status")
    assert answer.returncode == 1
    assert "nothing runs. Next: `make up`" in answer.stderr


def test_a_log_that_is_not_there_is_one_line(stack):
    answer = stack("logs", "trino")
    assert answer.returncode == 3
    assert "'trino' has no log. Next:" in answer.stderr


def test_stopping_what_does_not_run_is_well(stack):
    assert stack("down").returncode == 0


def test_a_profile_in_the_environment_is_not_overruled_in_silence(stack, tmp_path):
    answer = stack("up", SHOPSPHERE_PROFILE="embedded")
    assert answer.returncode == 2
    assert "SHOPSPHERE_PROFILE in the environment goes before .env. Next: unset it" in answer.stderr


def test_without_the_tools_it_says_what_to_install(stack, tmp_path):
    answer = stack("up", PATH=str(tmp_path), SHOPSPHERE_STACK_RUNNER="native")
    assert answer.returncode == 3
    assert "Go is missing. Next: install Go 1.24 or later" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_compose_that_is_demanded_and_cannot_be_had_is_one_line(stack, tmp_path):
    answer = stack("up", PATH=str(tmp_path), SHOPSPHERE_STACK_RUNNER="compose")
    assert answer.returncode == 3
    assert "no Docker daemon with Compose answers. Next: start Docker" in answer.stderr


@pytest.mark.parametrize("command", ["runs", "tables", "materialize"])
def test_servers_that_are_down_are_one_line_whatever_was_asked(tmp_path, command):
    own = {"HOME": tmp_path / "var", "ENV_FILE": tmp_path / ".env", "PROFILE": "stack", "POSTGRES_PORT": 9}
    env = os.environ | {f"SHOPSPHERE_{name}": str(value) for name, value in own.items()}
    answer = subprocess.run([SHOPSPHERE, command], capture_output=True, text=True, env=env, check=False)
    assert answer.returncode == 3
    assert "Next: `shopsphere" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.strip().splitlines()) <= 3


def test_the_doctor_looks_for_the_lake_where_the_profile_has_it(tmp_path):
    own = {"HOME": tmp_path / "var", "ENV_FILE": tmp_path / ".env", "PROFILE": "stack", "POSTGRES_PORT": 9}
    env = os.environ | {f"SHOPSPHERE_{name}": str(value) for name, value in own.items()}
    answer = subprocess.run([SHOPSPHERE, "doctor"], capture_output=True, text=True, env=env, check=False)
    assert "no lake yet" not in answer.stdout + answer.stderr
    assert "cannot be opened" in answer.stdout + answer.stderr
