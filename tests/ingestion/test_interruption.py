"""A run that is cancelled, killed or too slow leaves nobody working, and the next one loses and doubles nothing."""

import os
import signal
import threading
import uuid
from collections import Counter

import pytest

from ecommerce_pipeline.ingestion import run as meltano
from ecommerce_pipeline.ingestion import starter
from ecommerce_pipeline.ingestion.run import IngestionError, Request
from ecommerce_pipeline.operations.processes import is_alive

from .conftest import event, rows


def request(extractor, **more):
    return Request(extractor, None, str(uuid.uuid4()), **more)


@pytest.fixture
def groups(monkeypatch):
    """The process groups that runs were given."""
    found, real = [], starter.start

    def start(program):
        process = real(program)
        found.append(process.pid)
        return process

    monkeypatch.setattr(starter, "start", start)
    return found


def members(group):
    """The living processes of a group, zombies aside."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                state, _, of_group = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of_group) == group and state != "Z":
            found.append(int(name))
    return found


def test_a_run_beyond_its_time_is_ended_with_all_its_processes(settings, groups):
    with pytest.raises(IngestionError, match="its time limit") as told:
        meltano.run(settings, request("tap-web", timeout_seconds=1.5), lambda _line: None)
    assert told.value.transient
    assert members(groups[0]) == []


def test_a_cancelled_run_leaves_nobody_working(settings, tmp_path, groups):
    (tmp_path / "events" / "2017-12-15" / "00.jsonl").write_text(event(1))

    def cancel(line):
        if line.speaker == "tap-web":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        meltano.run(settings, request("tap-web"), cancel)
    assert members(groups[0]) == []


def test_after_a_kill_in_the_middle_the_next_run_has_every_row_and_reject_once(settings, tmp_path, groups):
    day = tmp_path / "events" / "2017-12-15"
    for hour in range(3):
        lines = [event(hour * 20_000 + number) for number in range(20_000)]
        (day / f"{hour:02}.jsonl").write_text("broken\n".join(["".join(lines), ""]))
    killed = threading.Event()

    def kill(line):
        if line.speaker == "tap-web" and not killed.is_set():
            killed.set()
            for pid in members(groups[0]):
                os.kill(pid, signal.SIGKILL)

    with pytest.raises(IngestionError):
        meltano.run(settings, request("tap-web"), kill)
    assert not any(is_alive(pid) for pid in members(groups[0]))
    meltano.run(settings, request("tap-web"), lambda _line: None)
    counted = Counter(row["event_id"] for row in rows(settings, "raw_web.events"))
    assert counted == Counter({f"e{number}": 1 for number in range(60_000)})
    assert Counter(row["position"] for row in rows(settings, "quality.rejects")) == Counter(
        {f"2017-12-15/{hour:02}.jsonl:20001": 1 for hour in range(3)}
    )
