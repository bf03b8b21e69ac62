"""The command: what a person and Meltano see of it when all is well and when it is not."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest
from tap_sql.cli import plain_options
from tap_sql.stage import Stage, sweep


def one_error(done):
    (text,) = [line for line in done.stderr.splitlines() if "ERROR" in line]
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return text


def test_discover_prints_the_catalog(source):
    source.execute("create table t (id int primary key)")
    done = source.command("--discover")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["streams"][0]["table_name"] == "t"


def test_sync_prints_messages_and_logs_elsewhere(source, tmp_path):
    source.execute("create table t (id int primary key); insert into t values (1)")
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(source.selected(key=None)))
    done = source.command("--catalog", str(path))
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()][:3] == ["STATE", "SCHEMA", "BATCH"]
    assert "1 rows sent" in done.stderr


def test_a_wrong_password_is_one_line_without_a_secret(source):
    url = source.server.reader_url.replace(source.server.password, "hunter2-wrong")
    done = source.command("--discover", url=url)
    text = one_error(done)
    assert "password authentication failed" in text
    assert "Next: check the user and password" in text
    assert "hunter2" not in done.stderr + done.stdout


def test_an_unreachable_server_is_one_line_with_its_address(source):
    done = source.command("--discover", url="postgresql://reader:hunter2@127.0.0.1:1/shop")
    text = one_error(done)
    assert "reader@127.0.0.1:1/shop" in text
    assert "Next: start the server, or check host and port" in text
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "oracle://x/y"}, "no engine for oracle"),
        ({"url": ""}, "missing required field `url`"),
        ({"overlap_seconds": -1}, "overlap_seconds"),
    ],
)
def test_a_wrong_setting_is_named(source, settings, said):
    assert said in one_error(source.command("--discover", **settings))


def test_a_server_that_dies_while_it_is_read_ends_the_run(source, tmp_path):
    source.execute(
        "create table t (id int primary key, v text);"
        "insert into t select i, repeat('x', 500) from generate_series(1, 200000) i"
    )
    path, config = tmp_path / "catalog.json", tmp_path / "config.json"
    path.write_text(json.dumps(source.selected(key=None)))
    config.write_text(json.dumps(source.config | {"batch_rows": 10000, "batch_bytes": 1000000, "batches_ahead": 2}))
    program = [
        sys.executable,
        "-c",
        "from tap_sql.cli import main; main()",
        "--config",
        str(config),
        "--catalog",
        str(path),
    ]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while '"BATCH"' not in process.stdout.readline():
        pass
    source.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'")
    for folder in source.stage.glob("run-*"):  # as the target would
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            for file in folder.glob("*.arrow"):
                file.unlink()
            time.sleep(0.01)
    rest, errors = process.communicate(timeout=30)
    assert process.returncode == 1, errors
    assert '"bookmarks":{"' not in rest, "no bookmark for a stream that was cut off"
    assert "Traceback" not in errors


def test_about_and_version_are_the_sdks():
    for option, said in (("--about", "overlap_seconds"), ("--version", "tap-sql v")):
        program = [sys.executable, "-c", "from tap_sql.cli import main; main()", option]
        assert said in subprocess.run(program, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--config", "a", "--discover"], {"config": ["a"], "discover": []}),
        (["-c", "a", "--catalog=b", "--state", "c"], {"config": ["a"], "catalog": ["b"], "state": ["c"]}),
        (["--config", "ENV"], None),
        (["--test"], None),
        ([], None),
    ],
)
def test_only_a_plain_call_takes_the_short_way(arguments, options):
    assert plain_options(arguments) == options


def test_batches_of_runs_long_dead_are_swept_and_others_left(tmp_path):
    old, young = tmp_path / "run-old", tmp_path / "run-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "x.arrow").write_bytes(b"x")
    os.utime(old, (1, 1))
    sweep(tmp_path)
    assert [folder.name for folder in tmp_path.iterdir()] == ["run-young"]


def test_the_tap_does_not_run_ahead_of_its_target(tmp_path):
    stage, rows, most = Stage(tmp_path, ahead=3, form="arrow"), pa.table({"v": [1]}), []

    def target():
        for _ in range(20):
            files = sorted(tmp_path.rglob("*.arrow"))
            most.append(len(files))
            if files:
                files[0].unlink()
            time.sleep(0.01)

    reader = threading.Thread(target=target)
    reader.start()
    for _ in range(10):
        stage.put(rows)
    reader.join()
    assert max(most) <= 3


def test_a_tap_that_waits_for_a_target_that_is_gone_ends(source, tmp_path):
    source.execute("create table t (id int primary key); insert into t select generate_series(1, 5000)")
    source.execute("create table u (id int primary key); insert into u select generate_series(1, 5000)")
    path, config = tmp_path / "catalog.json", tmp_path / "config.json"
    path.write_text(json.dumps(source.selected(key=None)))
    config.write_text(json.dumps(source.config | {"batches_ahead": 1}))  # u's batch waits until t's is taken
    program = [sys.executable, "-c", "from tap_sql.cli import main; main()", f"--config={config}", f"--catalog={path}"]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while '"BATCH"' not in process.stdout.readline():
        pass
    process.stdout.close()
    assert process.wait(60) == 1
    assert "the target stopped reading" in process.stderr.read()


def test_a_folder_that_the_target_removes_meanwhile_is_made_again(tmp_path):
    stage, rows, stop = Stage(tmp_path, ahead=1000, form="arrow"), pa.table({"v": [1]}), threading.Event()

    def target():
        while not stop.is_set():
            for file in tmp_path.rglob("*.arrow"):
                file.unlink()
            for folder in tmp_path.glob("run-*"):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    reader = threading.Thread(target=target)
    reader.start()
    try:
        for _ in range(400):
            stage.put(rows)
    finally:
        stop.set()
        reader.join()


def test_a_run_does_not_import_pandas(source, tmp_path, monkeypatch):
    assert importlib.util.find_spec("pandas"), "it is installed here, else this says nothing"
    source.execute("create table t (id int primary key); insert into t values (1)")
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(source.selected(key=None)))
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    done = source.command("--catalog", str(path))
    assert '"BATCH"' in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "pyarrow" in imported
    assert not [name for name in imported if name.startswith("pandas.")]
