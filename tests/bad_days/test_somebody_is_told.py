"""A bad day is told to somebody by the very command that met it."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from tests.bad_days.conftest import HOUSEHOLDS

FAILED = 1


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Where to tell, and what came."""
    bodies: list[dict[str, object]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hunter2", bodies
        server.shutdown()


def test_the_command_that_meets_a_broken_file_tells_somebody_the_cause_before_it_ends(lake, told, tmp_path):
    address, bodies = told
    (tmp_path / "demographics.csv").write_text(HOUSEHOLDS[:40] + "\n1,35-44")
    broken = {"crm_path": str(tmp_path), "alerts_to": address, "alerts_disk_gb": "0", "alerts_memory_gb": "0"}
    said = lake.shopsphere("materialize", "raw_crm.demographics", **broken)
    assert said.code == FAILED
    assert said.lines("not told") == []
    crm = [one for one in bodies if one["incident"] == "run:tap_crm"]
    assert [one["event"] for one in crm] == ["opened"]
    assert "household_size" in str(crm[0]["cause"])
    assert "raw_crm.demographics" in crm[0]["tables"]
