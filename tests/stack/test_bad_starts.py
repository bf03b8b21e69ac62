"""`stack up` on a machine that is not as it should be: it says what is wrong, and once that is mended the same command
goes on, with all data.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecommerce_pipeline.lakehouse import reader
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.operations import stack as servers
from tests.bad_days.machine import full_disk
from tests.stack.conftest import PORTS, free_ports

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]
SHOPSPHERE = Path(sys.executable).with_name("shopsphere")


@pytest.fixture
def up(tmp_path):
    """`shopsphere stack up` in a folder of its own, behind a prefix; and what stops it."""
    own = {"HOME": str(tmp_path / "var"), "ENV_FILE": str(tmp_path / ".env"), "STACK_RUNNER": "native"}
    own |= {f"{name}_PORT": str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    env = os.environ | {f"SHOPSPHERE_{name}": value for name, value in own.items()}

    def command(*prefix, verb=("up", "--no-dashboards")):
        said = [*prefix, SHOPSPHERE, "stack", *verb]
        return subprocess.run(said, capture_output=True, text=True, env=env, check=False)

    yield command
    command(verb=("down",))


def test_a_full_disk_is_named_with_its_place(up, tmp_path):
    answer = up(*full_disk(tmp_path / "var", tmp_path / "aside"))
    assert answer.returncode == 3, answer.stderr
    assert "Traceback" not in answer.stderr
    assert "No space left" in answer.stderr or "the disk is full" in answer.stderr
    assert "Next: " in answer.stderr


def test_pid_files_of_processes_that_are_gone_or_others_stop_nothing(stack):
    """As after a power cut: the files are there, and their ids may be other programs' by now."""
    import pyarrow as pa

    catalog = open_catalog(stack)
    catalog.create_namespace_if_not_exists("finance")
    catalog.create_table("finance.kept", pa.schema([("n", pa.int64())])).append(pa.table({"n": [1, 2]}))
    servers.stop(stack)
    leave(stack.stack_dir / "postgres" / "postmaster.pid", f"{os.getpid()}\n{stack.stack_dir / 'postgres'}\n1\n")
    leave(stack.stack_dir / "mariadb" / "mariadb.pid", f"{os.getpid()}\n")
    leave(stack.home / "run" / "supervisord.pid", f"{os.getpid()}\n")
    servers.start(stack)
    with reader.connect(stack) as connection:
        assert connection.execute("select sum(n) from finance.kept").fetchone() == [3]


def leave(path: Path, text: str) -> None:
    """A file of the folder's owner, who is the server's user."""
    path.write_text(text)
    os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)
