"""The command: what a person and Meltano see of it."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import singer_sdk.testing
from target_iceberg.cli import plain_options
from target_iceberg.settings import Settings

STREAMS = Path(singer_sdk.testing.__file__).parent / "target_test_streams"
# Streams that are wrong on purpose, and what is said about them; all others of the SDK's collection must load.
WRONG = {"record_before_schema": "rows came before its SCHEMA", "invalid_schema": "no properties"}


def test_state_goes_to_stdout_and_all_else_to_stderr(lake, singer):
    done = lake.command(singer.run([1, 2], None, 1))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"bookmarks": {"shop-orders": {"at": 1}}}
    assert "committed 2 rows to raw_shop.orders as commit 1" in done.stderr


def test_a_refusal_is_one_line_and_an_exit_code(lake, singer):
    lake.load(singer.run([1], None, 1))
    done = lake.command(singer.run([1], None, 1))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len([text for text in done.stderr.splitlines() if "ERROR" in text]) == 1
    assert "Traceback" not in done.stderr


def test_a_catalog_that_is_no_database_is_told_without_its_password(lake, singer):
    (lake.folder / "catalog.db").write_text("this is no database, it is a letter " * 100)
    properties = {**lake.properties, "s3.secret-access-key": "hunter2"}
    done = lake.command(singer.run([1], None, 1), catalog_properties=json.dumps(properties))
    assert done.returncode == 1
    assert "Next: check the setting catalog_properties" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"catalog_properties": "not json"}, "not a JSON object"),
        ({"rejects_limit": 7}, "rejects_limit"),
        ({"lease": "nowhere:to_be_found"}, "cannot be loaded"),
    ],
)
def test_a_wrong_setting_is_named(lake, singer, settings, said):
    done = lake.command(singer.run([1], None, 1), **settings)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_lease_is_held_while_the_table_is_written(lake, singer, tmp_path, monkeypatch):
    hook = tmp_path / "house_lease.py"
    hook.write_text(
        "import contextlib, pathlib\n"
        f"log = pathlib.Path({str(tmp_path / 'log')!r})\n"
        "@contextlib.contextmanager\n"
        "def hold(tables, holder):\n"
        "    log.open('a').write(f'take {tables} {holder}\\n')\n"
        "    yield\n"
        "    log.open('a').write('give back\\n')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    lake.load(singer.run([1], None, 1), lease="house_lease:hold", run_id="7")
    assert (tmp_path / "log").read_text() == "take ['raw_shop.orders'] run 7\ngive back\n"


def test_about_and_version_are_the_sdks(lake):
    for option, said in (("--about", "rejects_limit"), ("--version", "target-iceberg v")):
        program = [sys.executable, "-c", "from target_iceberg.cli import main; main()", option]
        done = subprocess.run(program, capture_output=True, text=True, check=True)
        assert said in done.stdout


def test_the_readme_tells_every_setting():
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8").partition("## Settings")[2]
    assert re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE) == list(Settings.__struct_fields__)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["--config", "a.json"], (["a.json"], None)),
        (["--config=a.json", "-c", "b.json", "--input", "x"], (["a.json", "b.json"], "x")),
        (["--config", "ENV"], None),
        (["--about"], None),
        ([], None),
    ],
)
def test_only_a_plain_call_takes_the_short_way(arguments, options):
    assert plain_options(arguments) == options


@pytest.mark.parametrize("stream", sorted(STREAMS.glob("*.singer")), ids=lambda path: path.stem)
def test_the_sdks_own_streams_load(lake, stream):
    from target_iceberg.target import TargetIceberg

    target = TargetIceberg(config=lake.config | {"rejects_limit": 1})
    with stream.open(encoding="utf-8") as lines:
        if stream.stem in WRONG:
            with pytest.raises(Exception, match=WRONG[stream.stem]):
                target.listen(lines)
        else:
            target.listen(lines)
            covered = stream.read_text(encoding="utf-8").rpartition('"STATE"')[0] or stream.read_text(encoding="utf-8")
            sent = covered.count('"RECORD"')
            tables = [".".join(t) for ns in lake.catalog.list_namespaces() for t in lake.catalog.list_tables(ns)]
            assert sum(len(lake.rows(table)) for table in tables) == sent


def test_a_run_does_not_import_pandas(lake, singer, monkeypatch):
    assert importlib.util.find_spec("pandas"), "it is installed here, else this says nothing"
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    done = lake.command(singer.run([1, 2], None, 1))
    assert done.returncode == 0, done.stderr[-2000:]
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "pyarrow" in imported
    assert not [name for name in imported if name.startswith("pandas.")]
