"""The tap is a Singer tap as singer-sdk understands it: its own standard tests pass on a real table."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from singer_sdk.testing import SuiteConfig
from singer_sdk.testing.runners import TapTestRunner
from singer_sdk.testing.suites import tap_stream_attribute_tests, tap_stream_tests, tap_tests
from tap_sql.settings import Settings
from tap_sql.tap import TapSql

TABLE = """
create table t (id int primary key, big bigint not null, total numeric(12,2), ratio float8, ok boolean not null,
  day date, moment timestamp, zoned timestamptz, words text not null, raw bytea, doc jsonb, list int[]);
insert into t values (1, 9223372036854775807, 1.10, 0.5, true, '2017-02-28', '2017-02-28 10:00', '2017-02-28 10:00+05',
  'ü', '\\x00ff', '{"a": 1}', '{1,2}');
insert into t (id, big, ok, words) values (2, 0, false, '')
"""


@pytest.fixture
def filled(source):
    source.execute(TABLE)
    return source


@pytest.fixture
def runner(filled):
    found = TapTestRunner(TapSql, config=filled.config, suite_config=SuiteConfig(), parse_env_config=False)
    found.sync_all()
    assert len(found.records[f"{filled.schema}-t"]) == 2
    return found


@pytest.mark.parametrize("test", tap_tests.tests, ids=lambda test: test.name)
def test_of_the_sdk_for_taps(runner, test):
    test().run(SuiteConfig(), None, runner)


@pytest.mark.parametrize("test", tap_stream_tests.tests, ids=lambda test: test.name)
def test_of_the_sdk_for_streams(runner, test):
    for stream in runner.new_tap().streams.values():
        test().run(SuiteConfig(), None, runner, stream)


@pytest.mark.parametrize("test", tap_stream_attribute_tests.tests, ids=lambda test: test.name)
def test_of_the_sdk_for_attributes(runner, test):
    for stream in runner.new_tap().streams.values():
        properties = stream.stream_maps[-1].transformed_schema["properties"]
        for name, schema in properties.items():
            if test.evaluate(stream=stream, property_name=name, property_schema=schema):
                test().run(SuiteConfig(), None, runner, stream, name)


def test_test_reads_a_row_of_each_stream_and_succeeds(filled):
    done = filled.command("--test")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_test_schema_prints_every_schema(filled):
    done = filled.command("--test=schema")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["SCHEMA"]


def test_about_and_the_readme_tell_every_setting():
    program = [sys.executable, "-c", "from tap_sql.cli import main; main()", "--about", "--format=json"]
    about = json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout)
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    settings = set(Settings.__struct_fields__)
    assert settings <= set(about["settings"]["properties"])
    assert settings == set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE))
