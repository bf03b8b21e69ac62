"""The tap is a Singer tap as singer-sdk understands it: its own standard tests pass against a real HTTP server."""

from __future__ import annotations

import pytest
from singer_sdk.testing import SuiteConfig
from singer_sdk.testing.runners import TapTestRunner
from singer_sdk.testing.suites import tap_stream_attribute_tests, tap_stream_tests, tap_tests
from tap_hubspot.tap import TapHubspot

from .conftest import CONTACTS, TOKEN

CAMPAIGNS = {
    "name": "hubspot-campaigns",
    "object_type": "campaigns",
    "replication_method": "FULL_TABLE",
    "properties": {"email": "string"},
}


@pytest.fixture
def runner(account):
    account.put("1", 5, email="a@x", campaign_id="26", consent="true", day="2017-12-15", at="2017-12-15T10:00:00.5Z")
    account.put("2", 6, email=None)
    config = {"url": account.url, "token": TOKEN, "streams": [CONTACTS, CAMPAIGNS]}
    found = TapTestRunner(TapHubspot, config=config, suite_config=SuiteConfig(), parse_env_config=False)
    found.sync_all()
    assert {name: len(rows) for name, rows in found.records.items()} == {"hubspot-contacts": 2, "hubspot-campaigns": 2}
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
