"""What an API does on bad days, and what a person reads then."""

import json
import logging
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tap_hubspot.errors import HubspotError

from .conftest import CONTACTS, TOKEN

TAP = str(Path(sys.executable).parent / "tap-hubspot")


def test_too_many_requests_are_waited_out_as_long_as_the_server_says(account, run, caplog):
    account.put("1", 1)
    account.failures = [(429, {"Retry-After": "1"})]
    began = time.monotonic()
    assert run().ids == ["1"]
    assert time.monotonic() - began >= 1
    assert "answered 429: going on in 1.0 s" in caplog.text


def test_a_server_error_is_tried_again_and_given_up_after_the_set_number(account, run):
    account.put("1", 1)
    account.failures = [(502, {})]
    assert run().ids == ["1"]
    account.failures = [(503, {"Retry-After": "0"})] * 10
    with pytest.raises(HubspotError, match="too many 503"):
        run(retries=2)
    assert len(account.failures) == 10 - 3


def test_a_wrong_token_is_told_without_showing_it(account, run, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(HubspotError, match=r"401.*Next: check the setting `token`") as told:
        run(token="pat-wrong-token")
    assert "pat-wrong" not in str(told.value) + caplog.text


def test_the_token_is_in_no_log_line_of_a_run(account, run, caplog):
    caplog.set_level(logging.DEBUG)
    account.put("1", 1)
    run()
    assert TOKEN not in caplog.text


def test_an_unreachable_api_is_named_with_the_next_step(run):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(HubspotError, match=rf"http://127.0.0.1:{port}/.*unreachable: .*refused.*Next: check"):
        run(url=f"http://127.0.0.1:{port}", retries=0)


def test_an_answer_that_is_no_json_is_named(account, run):
    account.failures = [(200, {})]
    with pytest.raises(HubspotError, match="the answer is not HubSpot's"):
        run()


def test_a_failure_in_the_middle_sends_no_bookmark_for_the_stream(account, run, tmp_path):
    config = {"url": account.url, "token": TOKEN, "retries": 0, "streams": [CONTACTS]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    for n in range(300):
        account.put(f"{n:04}", n)

    def fail_later(account):
        if len(account.requests) == 4:
            account.failures = [(500, {})]

    account.before_answer = fail_later
    done = subprocess.run([TAP, "--config", str(tmp_path / "config.json")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    types = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert types.count("RECORD") >= 100
    assert types.count("STATE") == 1


def test_discovery_lists_streams_with_keys_and_methods(account, tmp_path):
    streams = [CONTACTS, {**CONTACTS, "name": "hubspot-campaigns", "replication_method": "FULL_TABLE"}]
    (tmp_path / "config.json").write_text(json.dumps({"url": account.url, "token": TOKEN, "streams": streams}))
    command = [TAP, "--config", str(tmp_path / "config.json"), "--discover"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    assert [(s["tap_stream_id"], s["key_properties"], s["replication_method"]) for s in found] == [
        ("hubspot-contacts", ["id"], "INCREMENTAL"),
        ("hubspot-campaigns", ["id"], "FULL_TABLE"),
    ]


def test_an_unknown_type_and_a_taken_name_are_named(run):
    with pytest.raises(HubspotError, match=r"email is declared as 'text'.*string"):
        run(stream={**CONTACTS, "properties": {"email": "text"}})
    with pytest.raises(HubspotError, match="archived has the name of a column"):
        run(stream={**CONTACTS, "properties": {"archived": "boolean"}})
