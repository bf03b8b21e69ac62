"""Of all that is said when a run fails, one line reaches the person, and it is the right one."""

import json

import pytest

from ecommerce_pipeline.ingestion.failures import Line, diagnose
from ecommerce_pipeline.ingestion.run import parse_line


def error(speaker, text):
    return Line(speaker, "error", text)


def test_the_plugins_own_error_goes_before_meltanos_and_before_its_consequences():
    lines = [
        Line("tap-web", "info", "reading"),
        error("tap-web", "the target closed the pipe: its own message says why"),
        error("target-iceberg", "web-events: 9 of 10 rows were rejected. Next: look at the source"),
        error("meltano", "Extractor and loader failed"),
        error("meltano", "Block run completed"),
    ]
    assert (
        diagnose(lines, 1).message == "target-iceberg: web-events: 9 of 10 rows were rejected. Next: look at the source"
    )


def test_meltanos_own_error_is_shown_when_no_plugin_spoke():
    assert "cannot be opened" in diagnose([error("meltano", "the catalog cannot be opened")], 1).message


def test_a_plugin_that_died_without_an_error_is_quoted():
    lines = [Line("tap-web", "info", "MemoryError"), Line("meltano", "info", "Run completed")]
    assert diagnose(lines, 137).message == "Meltano ended with exit code 137; tap-web said last: MemoryError"
    assert "nobody said anything" in diagnose([], 2).message


@pytest.mark.parametrize(
    ("text", "transient"),
    [
        ('connection to server at "127.0.0.1", port 1 failed: Connection refused', True),
        (
            "POST http://127.0.0.1:1/crm: unreachable: [Errno 111] Connection refused. Next: check the setting `url`",
            True,
        ),
        ("GET http://x: unreachable: too many 503 error responses", True),
        ("table:raw_shop.orders is being written by run 7 (pid 1 on h). Next: wait", True),
        ("the database system is starting up", True),
        ("(psycopg.errors.AdminShutdown) terminating connection due to unexpected postmaster exit", True),
        ("Lost connection to MySQL server during query", True),
        ("When reading: AWS Error NETWORK_CONNECTION: curlCode: 7, Couldn't connect to server", True),
        ("tap-sql: s.t: truncated, altered or otherwise rewritten while it was read. Next: run again", True),
        ('FATAL: password authentication failed for user "meltano"', False),
        ("status 401: the token was not accepted. Next: check the connection timeout", False),
        ("there is no folder /x. Next: check the path, a temporary disk may be unmounted", False),
        ("[Errno 28] No space left on device", False),
        ("web-events: 9 of 10 rows were rejected", False),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(text, transient):
    assert diagnose([error("tap-x", text)], 1).transient is transient


def test_a_line_of_a_plugin_keeps_its_own_level_and_loses_its_time_stamp():
    spoken = {"event": "2017-12-15 13:05:11,123 WARNING tap-files: x\ny: 3", "level": "info", "name": "tap-web"}
    assert parse_line(json.dumps(spoken).encode()) == Line("tap-web", "warning", "x\ny: 3")
    assert parse_line(b"plain words \xff\n") == Line("meltano", "info", "plain words \ufffd")
    assert parse_line(b'{"event": "Run completed", "level": "info"}') == Line("meltano", "info", "Run completed")
