"""What the command line does before it does anything: it answers at once, and says plainly what it cannot work with."""

import errno
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from ecommerce_pipeline.cli.errors import unwritable_place
from ecommerce_pipeline.settings import Settings

SHOPSPHERE = Path(sys.executable).with_name("shopsphere")


def shopsphere(*arguments, **environment):
    return subprocess.run(
        [SHOPSPHERE, *arguments], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )


def test_help_answers_in_well_under_a_second():
    shopsphere("--help")  # bytecode and disk cache, which a first start pays once
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = shopsphere("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer.returncode == 0
    # processor time, so that a busy machine does not fail the test
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.6


@pytest.mark.parametrize(
    "command",
    [
        "demo",
        "up",
        "down",
        "simulate",
        "materialize",
        "query",
        "tables",
        "runs",
        "branch",
        "doctor",
        "reset",
        "dev",
        "docs",
    ],
)
def test_every_command_explains_itself(command):
    answer = shopsphere(command, "--help")
    assert answer.returncode == 0
    assert "Usage" in answer.stdout


def test_an_unknown_profile_is_one_clear_line():
    answer = shopsphere("tables", SHOPSPHERE_PROFILE="cloud")
    assert answer.returncode == 3
    assert answer.stdout == ""
    [line] = answer.stderr.strip().splitlines()
    assert "SHOPSPHERE_PROFILE is 'cloud'" in line
    assert "'embedded'" in line
    assert "Next:" in line


def test_a_zone_that_there_is_not_is_refused():
    with pytest.raises(ValidationError, match="no zone is called so"):
        Settings(_env_file=None, business_timezone="Mars/Olympus")


def test_a_wrong_address_is_refused_without_being_shown():
    answer = shopsphere(
        "tables", SHOPSPHERE_REJECTS_LIMIT="7", SHOPSPHERE_SHOP_URL="postgresql://reader:hunter2@h/shop"
    )
    assert answer.returncode == 3
    assert "SHOPSPHERE_REJECTS_LIMIT" in answer.stderr
    assert "hunter2" not in answer.stderr


def test_a_home_that_cannot_be_written_is_one_clear_line():
    answer = shopsphere("tables", SHOPSPHERE_HOME="/sys/lakehouse")  # the kernel's, where not even root makes a folder
    assert answer.returncode == 3
    [_, line] = answer.stderr.strip().splitlines()
    assert "/sys/lakehouse" in line
    assert "writable for this user, or set SHOPSPHERE_HOME to a folder that is" in line


def test_a_place_that_cannot_be_written_is_known_however_deep_it_lies():
    refused = sqlite3.OperationalError("attempt to write a readonly database")
    refused.sqlite_errorname = "SQLITE_READONLY"
    for inner, place in [(OSError(errno.EROFS, "Read-only file system", "/mnt/b"), "/mnt/b"), (refused, "/home/lake")]:
        outer = RuntimeError("a library's own words")
        outer.__cause__ = inner
        assert unwritable_place(outer, Path("/home/lake")) == place
    assert unwritable_place(OSError(errno.ENOENT, "No such file", "/mnt/b"), Path("/home/lake")) == ""


def test_an_unknown_command_is_misuse():
    assert shopsphere("materialise").returncode == 2


def test_every_command_says_which_profile_it_acts_on(home):
    answer = shopsphere("tables")
    assert f"profile embedded · {home}" in answer.stderr


def test_the_example_settings_name_every_setting_and_its_default():
    from ecommerce_pipeline.settings import ROOT

    lines = [line.lstrip("#") for line in (ROOT / ".env.example").read_text().splitlines()]
    shown = dict(line.split("=", 1) for line in lines if line.startswith("SHOPSPHERE_"))
    assert set(shown) == {f"SHOPSPHERE_{name.upper()}" for name in Settings.model_fields}
    plain = {name: field for name, field in Settings.model_fields.items() if not name.endswith(("url", "uri", "token"))}
    for name, field in plain.items():
        assert shown[f"SHOPSPHERE_{name.upper()}"] in (str(field.default), str(field.default).lower()), name
