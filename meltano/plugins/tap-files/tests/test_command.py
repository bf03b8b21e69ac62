"""The tap as Meltano runs it: a process with a configuration, a catalog and a state."""

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import EVENTS

TAP = str(Path(sys.executable).parent / "tap-files")


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.json"
    (tmp_path / "in").mkdir()
    settings = {"path": str(tmp_path / "in"), "stage_dir": str(tmp_path / "stage"), "streams": [EVENTS]}
    path.write_text(json.dumps(settings))
    return path


def tap(*arguments, check=True):
    return subprocess.run([TAP, *map(str, arguments)], check=check, capture_output=True, text=True)


def test_the_discovered_catalog_selects_types_and_keys(config, tmp_path):
    catalog = json.loads(tap("--config", config, "--discover").stdout)
    stream = catalog["streams"][0]
    assert (stream["tap_stream_id"], stream["key_properties"]) == ("web-events", ["event_id"])
    assert stream["replication_method"] == "INCREMENTAL"
    assert stream["schema"]["properties"]["timestamp"]["format"] == "date-time"

    for entry in stream["metadata"]:
        entry["metadata"]["selected"] = entry["breadcrumb"] != ["properties", "properties"]
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    (tmp_path / "in" / "a.jsonl").write_text('{"event_id": "a", "properties": {}}\n')
    sent = [
        json.loads(line) for line in tap("--config", config, "--catalog", tmp_path / "catalog.json").stdout.splitlines()
    ]
    assert [message["type"] for message in sent] == ["STATE", "SCHEMA", "BATCH", "STATE"]
    assert sent[0]["value"] == {"bookmarks": {}}
    assert list(sent[1]["schema"]["properties"]) == [
        "event_id", "user_id", "timestamp", "_sdc_source_file", "_sdc_source_lineno",
    ]  # fmt: skip
    assert sent[1]["schema"]["properties"]["timestamp"]["x-iceberg-type"] == "timestamp"


def test_about_lists_every_setting():
    about = json.loads(tap("--about", "--format", "json").stdout)
    assert {"path", "streams", "stage_dir", "recent_folders"} <= set(about["settings"]["properties"])


def test_a_wrong_path_is_one_line_without_a_traceback(config, tmp_path):
    (tmp_path / "in").rmdir()
    failed = tap("--config", config, check=False)
    assert failed.returncode == 1
    assert f"there is no folder {tmp_path / 'in'}. Next:" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_tap_stopped_in_the_middle_sends_no_bookmark(config, tmp_path):
    # so many batches that a pipe cannot hold their messages: the tap waits for its reader and cannot be done before it
    settings = json.loads(config.read_text())
    config.write_text(json.dumps({**settings, "batch_rows": 100}))
    (tmp_path / "in" / "a.jsonl").write_bytes(b"".join(b'{"event_id": "%d"}\n' % n for n in range(100_000)))
    with subprocess.Popen([TAP, "--config", str(config)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        sent = []
        for line in process.stdout:
            sent.append(json.loads(line)["type"])
            if sent[-1] == "BATCH":
                process.kill()  # whoever runs the tests may have had them ignore anything milder
                sent += [json.loads(rest)["type"] for rest in process.stdout]
                break
    assert process.wait() != 0
    assert "STATE" not in sent[1:]


def test_the_tap_waits_for_a_target_that_is_slower(config, tmp_path):
    settings = json.loads(config.read_text())
    config.write_text(json.dumps({**settings, "batch_rows": 100, "batches_ahead": 2}))
    (tmp_path / "in" / "a.jsonl").write_bytes(b"".join(b'{"event_id": "%090d"}\n' % n for n in range(150_000)))
    waiting, taken, command = [], 0, [TAP, "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        for line in process.stdout:
            for address in json.loads(line).get("manifest", ()):
                waiting.append(len(list((tmp_path / "stage").rglob("*.arrow"))))
                Path(address.removeprefix("file://")).unlink()
                taken += 1
    assert process.returncode == 0
    assert taken >= 8
    assert max(waiting) <= 3  # those that wait, and the one being written


def test_what_a_killed_run_left_in_the_stage_folder_is_swept_a_day_later(config, tmp_path):
    old, fresh = (tmp_path / "stage" / f"web-events-1-{name}" for name in ("old", "fresh"))
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "1.parquet").write_bytes(b"")
    os.utime(old, (time.time() - 2 * 86_400,) * 2)
    (tmp_path / "in" / "a.jsonl").write_text('{"event_id": "a"}\n')
    tap("--config", config)
    assert (old.exists(), fresh.exists()) == (False, True)


def test_settings_as_text_from_the_environment_of_a_shell_are_understood_and_wrong_ones_named(config):
    settings = json.loads(config.read_text())
    config.write_text(json.dumps({**settings, "batch_rows": "100", "recent_folders": None}))
    assert tap("--config", config).stdout.count("STATE") == 2
    config.write_text(json.dumps({**settings, "batch_rows": "many"}))
    failed = tap("--config", config, check=False)
    assert (failed.returncode, "batch_rows" in failed.stderr, "Traceback" in failed.stderr) == (1, True, False)


def test_unusual_options_take_the_way_of_the_sdk_and_give_the_same_messages(config, tmp_path):
    (tmp_path / "in" / "a.jsonl").write_text('{"event_id": "a"}\n')
    plain, sdk = (tap("--config", config, *more).stdout for more in ([], ["--config", config, "--test=disabled"]))
    assert [json.loads(line)["type"] for line in sdk.splitlines()] == [
        json.loads(line)["type"] for line in plain.splitlines()
    ]


def test_test_reads_the_first_rows_of_every_stream_and_succeeds(config, tmp_path):
    (tmp_path / "in" / "a.jsonl").write_text(
        '{"event_id": "a", "timestamp": "2017-02-28T10:00:00"}\n{"event_id": "b"}\n'
    )
    done = tap("--config", config, "--test")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (tmp_path / "in" / "a.jsonl").unlink()
    (tmp_path / "in").rmdir()
    assert tap("--config", config, "--test", check=False).returncode != 0


def test_a_run_does_not_import_pandas(config, tmp_path, monkeypatch):
    assert importlib.util.find_spec("pandas"), "it is installed here, else this says nothing"
    (tmp_path / "in" / "a.jsonl").write_text('{"event_id": "a", "properties": {}}\n')
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    done = tap("--config", config)
    assert '"BATCH"' in done.stdout
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "pyarrow" in imported
    assert not [name for name in imported if name.startswith("pandas.")]
