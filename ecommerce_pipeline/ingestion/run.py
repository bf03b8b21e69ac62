"""One `meltano run` as a child process: the authority on how it is started, listened to and ended.

The child leads a process group of its own, so that ending it (a cancelled run, Ctrl-C, a run that takes too long)
ends tap and target as well and nothing goes on writing. What it says is passed on line by line while it works.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from ecommerce_pipeline.environment import process_environment
from ecommerce_pipeline.ingestion import starter
from ecommerce_pipeline.ingestion.failures import Diagnosis, Line, diagnose
from ecommerce_pipeline.ingestion.starter import Program, Started, Usage
from ecommerce_pipeline.lakehouse.catalog import open_catalog
from ecommerce_pipeline.settings import Settings

LOADER = "target-iceberg"
GRACE_SECONDS = 10.0
REMEMBERED_LINES = 400
# "2017-12-15 13:05:11,123 INFO tap-files: …", as the plugins write to stderr
_PLUGIN_LINE = re.compile(r"^\d{4}-\d\d-\d\d[ T][\d:,.]+Z?\s+\|?\s*(\w+)\s+\|?\s*[\w.-]+\s*[:|]\s*(.*)$", re.DOTALL)
Listener = Callable[[Line], None]


class IngestionError(Exception):
    """The run failed; `transient` says whether trying again may help."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.transient = diagnosis.transient


@dataclass(frozen=True)
class Request:
    """What to run: an extractor, some or all (None) of its streams, and under which run id (a UUID)."""

    extractor: str
    streams: Sequence[str] | None
    run_id: str
    full_refresh: bool = False
    timeout_seconds: float = 6 * 3600.0


def run(settings: Settings, request: Request, listen: Listener) -> Usage | None:
    """Run the extractor into the lake; raises IngestionError. `listen` gets each line of the log as it is said.

    Returns what the run used, where that is known.
    """
    open_catalog(settings).close()  # makes the lake at first use, and says what is wrong with it before Meltano starts
    lines: deque[Line] = deque(maxlen=REMEMBERED_LINES)
    with _started(settings, request) as process, _time_limit(process, request.timeout_seconds) as overdue:
        for line in _spoken(process):
            lines.append(line)
            listen(line)
        exit_code = process.wait()
    if overdue.is_set():
        raise IngestionError(
            Diagnosis(
                f"{request.extractor} was ended after {request.timeout_seconds:g} s, its time limit", transient=True
            )
        )
    if exit_code != 0:
        raise IngestionError(diagnose(list(lines), exit_code))
    return process.used


def command(request: Request) -> list[str]:
    """The command line; Meltano's own guess at what is running is overruled, for the target's lease knows."""
    options = ["--force", *(["--full-refresh"] if request.full_refresh else [])]
    return ["meltano", "--log-format", "json", "run", *options, request.extractor, LOADER]


def _environment(settings: Settings, request: Request) -> dict[str, str]:
    # Meltano takes its run id from here, and the target, to which Meltano does not tell it, as well
    found = process_environment(settings) | {"MELTANO_RUN_ID": request.run_id}
    # extractors run at the same time, and Meltano makes its own database without asking who else is making it
    own = settings.home / "meltano" / request.extractor
    own.mkdir(parents=True, exist_ok=True)
    found |= {"MELTANO_SYS_DIR_ROOT": str(own), "MELTANO_DATABASE_URI": f"sqlite:///{own / 'meltano.db'}"}
    if request.streams is not None:
        name = request.extractor.upper().replace("-", "_")
        found[f"{name}__SELECT_FILTER"] = json.dumps(list(request.streams))
    if request.full_refresh:
        found["TARGET_ICEBERG_FULL_REFRESH"] = "true"
    return found


@contextmanager
def _started(settings: Settings, request: Request) -> Iterator[Started]:
    environment = _environment(settings, request)
    program = shutil.which("meltano", path=environment["PATH"])
    if program is None:
        raise IngestionError(Diagnosis("there is no program `meltano` here. Next: `make setup`", transient=False))
    arguments = [program, *command(request)[1:]]
    try:
        process = starter.start(Program(arguments, settings.root / "meltano", environment))
    except OSError as error:
        raise IngestionError(Diagnosis(f"Meltano cannot be started: {error}", transient=False)) from error
    try:
        yield process
    finally:
        _end(process)


def _end(process: Started) -> None:
    """End the whole group: kindly, and after a while by force. Meltano may be gone while a plugin still works."""
    try:
        for kind, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, GRACE_SECONDS)):
            if not _signal_group(process.pid, kind):
                return
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                process.poll()
                if not _signal_group(process.pid, 0):  # nobody is left
                    return
                time.sleep(0.05)
    finally:
        process.close()


def _signal_group(group: int, kind: int) -> bool:
    """Whether there was anybody left to signal."""
    try:
        os.killpg(group, kind)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextmanager
def _time_limit(process: Started, seconds: float) -> Iterator[threading.Event]:
    overdue = threading.Event()

    def expire() -> None:
        overdue.set()
        _signal_group(process.pid, signal.SIGTERM)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield overdue
    finally:
        timer.cancel()


def _spoken(process: Started) -> Iterator[Line]:
    for raw in process.stdout:
        if raw.strip():
            yield parse_line(raw)


class _Event(msgspec.Struct):
    """What Meltano's JSON log says that is of use here."""

    event: str
    level: str = "info"
    name: str = "meltano"


def parse_line(raw: bytes) -> Line:
    """A line of Meltano's log; what a plugin wrote to stderr loses its own time stamp and keeps its own level."""
    try:
        event = msgspec.json.decode(raw, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Line("meltano", "info", raw.decode("utf-8", "replace").strip())
    match = _PLUGIN_LINE.match(event.event.strip())
    if match:
        return Line(event.name, match[1].lower(), match[2].strip())
    return Line(event.name, event.level.lower(), event.event.strip())
