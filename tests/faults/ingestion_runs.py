"""Runs of Meltano that have begun, their log going to a file: started as a shell does, or forked as Dagster does."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import IO, Protocol

from ecommerce_pipeline.ingestion import starter
from ecommerce_pipeline.ingestion.starter import Program


class Run(Protocol):
    """A run that has begun."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float) -> int | None: ...


def begin(program: Program, log: Path) -> Run:
    """Start it as a shell does, in a group of its own."""
    with log.open("wb") as file:
        return subprocess.Popen(
            program.arguments, cwd=program.folder, env=program.environment, stdout=file, stderr=file,
            start_new_session=True,
        )  # fmt: skip


class Fork:
    """A forked run, whose log goes to a file."""

    def __init__(self, program: Program, log: Path) -> None:
        self._run, self._code = starter.start(program), None
        self.pid = self._run.pid
        self._listener = threading.Thread(target=self._listen, args=(log.open("wb", buffering=0),), daemon=True)
        self._listener.start()

    def _listen(self, log: IO[bytes]) -> None:
        with log:
            for line in self._run.stdout:
                log.write(line)
        self._code = self._run.wait()

    def poll(self) -> int | None:
        return self._code

    def wait(self, timeout: float) -> int | None:
        self._listener.join(timeout)
        return self._code
