"""What `make` refuses before it does anything."""

import os
import subprocess

import pytest

from ecommerce_pipeline.settings import ROOT


def dry(home, *arguments):
    """What `make demo` would run, for a user of that home."""
    env = {**os.environ, "HOME": str(home), "MAKEFLAGS": ""}
    command = ["make", "--dry-run", "demo", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=env, check=False)


@pytest.fixture
def blank(tmp_path):
    return tmp_path / "John Smith"


def test_a_home_with_a_blank_in_its_name_is_refused_before_anything_is_deleted(blank):
    refused = dry(blank)
    assert (refused.returncode, "rm" in refused.stdout.split()) == (2, False)
    assert "its name has a blank. Next: make CACHE=" in refused.stderr


def test_another_place_for_the_cache_is_all_that_it_then_takes(blank, tmp_path):
    told = dry(blank, f"CACHE={tmp_path / 'cache'}")
    assert told.returncode == 0, told.stderr
    assert f'rm -rf "{tmp_path / "cache"}/uv-' in told.stdout
    assert "John" not in told.stdout
