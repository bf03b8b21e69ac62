"""How Meltano is started: imported once, each process in a group of its own, and its end told whatever it was."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from ecommerce_pipeline.ingestion import starter
from ecommerce_pipeline.ingestion.starter import Program

pytestmark = pytest.mark.skipif(not starter.FORKS, reason="elsewhere every process imports Meltano by itself")
MELTANO = str(Path(sys.executable).parent / "meltano")
IMPORTER = "ecommerce_pipeline.ingestion.meltano_process"


def meltano(folder, *arguments, **environment):
    return starter.start(Program([MELTANO, *arguments], folder, {"PATH": os.environ["PATH"], **environment}))


def importers(of=None):
    children = psutil.Process(of).children()
    return [child for child in children if IMPORTER in " ".join(child.cmdline())]


def ended(pid):
    deadline = time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.05)
    return True


def test_processes_started_at_the_same_moment_each_say_their_own_and_import_meltano_once(tmp_path):
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()

    def said(folder):
        process = meltano(folder, "--cwd", str(folder / "missing"), "invoke")
        text = process.stdout.read().decode()
        code = process.wait()
        process.close()
        return code, str(folder / "missing") in text

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(said, folders)) == [(2, True)] * 4
    assert len(importers()) == 1


def test_a_process_sees_its_own_environment_and_folder_and_nothing_of_the_starters(tmp_path, monkeypatch):
    monkeypatch.setenv("OF_THE_STARTER", "yes")
    (tmp_path / "meltano.yml").write_text("state_backend: {uri: 'of $OF_THE_REQUEST and $OF_THE_STARTER.'}\n")
    process = meltano(tmp_path, "config", "list", "meltano", OF_THE_REQUEST="this")
    text = process.stdout.read().decode()
    assert process.wait() == 0, text
    process.close()
    assert "of this and ." in text


def test_a_killed_process_is_told_by_its_signal(tmp_path):
    process = stopped(tmp_path)
    assert os.getpgid(process.pid) == process.pid
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.close()


def test_an_importer_that_was_ended_is_started_anew(tmp_path):
    meltano(tmp_path, "--version").close()
    for importer in importers():
        importer.terminate()
        assert ended(importer.pid)
    process = meltano(tmp_path, "--version")
    assert b"meltano, version" in process.stdout.read()
    assert process.wait() == 0
    process.close()


def test_the_importer_ends_with_its_starter_and_the_running_meltano_goes_on(tmp_path):
    code = (
        "from tests.ingestion.test_starter import *\n"
        f"print(stopped(Path({str(tmp_path)!r})).pid, importers()[0].pid, flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as victim:
        meltano_pid, importer_pid = map(int, victim.stdout.readline().split())
        victim.kill()
    try:
        assert ended(importer_pid)
        assert psutil.Process(meltano_pid).status() == psutil.STATUS_STOPPED
    finally:
        os.killpg(meltano_pid, signal.SIGKILL)


def stopped(folder):
    """A Meltano that is at work, held in the middle of it."""
    (folder / "meltano.yml").write_text("version: 1\n")
    process = meltano(folder, "config", "list", "meltano")
    os.killpg(process.pid, signal.SIGSTOP)
    return process


def test_meltano_is_imported_before_it_is_asked_for():
    starter.prepare()
    assert len(importers()) == 1
