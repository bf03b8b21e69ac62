"""The tap is a Singer tap as singer-sdk understands it: its own standard tests pass on real files."""

from __future__ import annotations

import pytest
from singer_sdk.testing import SuiteConfig
from singer_sdk.testing.runners import TapTestRunner
from singer_sdk.testing.suites import tap_stream_attribute_tests, tap_stream_tests, tap_tests
from tap_files.tap import TapFiles

from .conftest import EVENTS, PEOPLE

LINES = (
    b'{"event_id": "a", "user_id": 1, "timestamp": "2017-01-01T10:00:00Z", "properties": {"page": "/"}}\n'
    b'{"event_id": "b", "user_id": null, "timestamp": "2017-01-01T11:00:00Z", "properties": {}}\n'
)


@pytest.fixture
def runner(write, tmp_path):
    write("2017-01-01/00.jsonl", LINES)
    write("people.csv", b"id,name,income\n1,Ann,10\n2,Bob,\n")
    config = {"path": str(tmp_path / "in"), "stage_dir": str(tmp_path / "stage"), "streams": [EVENTS, PEOPLE]}
    found = TapTestRunner(TapFiles, config=config, suite_config=SuiteConfig(), parse_env_config=False)
    found.sync_all()
    assert {name: len(rows) for name, rows in found.records.items()} == {"web-events": 2, "crm-people": 2}
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
