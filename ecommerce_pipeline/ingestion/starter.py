"""How a Meltano process is started: the authority on its standard streams, its process group and its exit code.

Every process leads a group of its own. On Linux it is forked from one that has imported Meltano already
(`meltano_process`); elsewhere, where a fork of a grown process is not safe, it is an ordinary child.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, Protocol

FORKS = sys.platform == "linux"


class Usage(NamedTuple):
    """What a Meltano with its tap and target used: CPU seconds, and bytes of memory of the largest of them."""

    cpu_seconds: float
    peak_rss: int


class Started(Protocol):
    """A Meltano process: its id, which is its group's, and what it says, standard error with it."""

    pid: int
    stdout: IO[bytes]
    used: Usage | None  # once it has ended, and somebody knows

    def poll(self) -> None:
        """Take note of its end, if it has ended."""

    def wait(self) -> int:
        """Wait for its end; returns the exit code, negative for the signal that killed it."""

    def close(self) -> None:
        """Wait for its end and let go of what it said."""


@dataclass(frozen=True)
class Program:
    """What to start: arguments (the first is the program's path), the folder it works in, its whole environment."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


def start(program: Program) -> Started:
    """Start it; raises OSError when that is impossible."""
    return _Forked(*_parent.ask(program)) if FORKS else _Child(program)


def prepare() -> None:
    """Begin to import Meltano, in a process aside, for a run that is about to start."""
    if FORKS:
        _parent.prepare()


class _Parent:
    """The process that imports Meltano once, started at first use; one for this whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # the steps of a run are threads
        self._control: socket.socket | None = None
        self._owner = 0

    def prepare(self) -> None:
        with self._lock:
            self._begun()

    def _begun(self) -> socket.socket:
        if self._control is None or self._owner != os.getpid():
            ours, theirs = socket.socketpair()
            with theirs:
                subprocess.Popen(
                    [sys.executable, "-u", "-m", "ecommerce_pipeline.ingestion.meltano_process"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,  # a Ctrl-C on the terminal is ours to pass on
                )
            self._control, self._owner = ours, os.getpid()
        return self._control

    def ask(self, program: Program) -> tuple[IO[bytes], IO[bytes]]:
        """What the new process says, and what becomes of it."""
        with self._lock:
            try:
                return self._send(self._begun(), program)
            except (BrokenPipeError, ConnectionResetError):
                self._control = None  # it was ended, with a run that was interrupted
                return self._send(self._begun(), program)

    @staticmethod
    def _send(control: socket.socket, program: Program) -> tuple[IO[bytes], IO[bytes]]:
        request = {
            "arguments": list(program.arguments),
            "folder": str(program.folder),
            "environment": dict(program.environment),
        }
        output, output_end = os.pipe()
        status, status_end = os.pipe()
        try:
            text = json.dumps(request).encode() + b"\n"
            sent = socket.send_fds(control, [text], [output_end, status_end])
            control.sendall(text[sent:])
        except BaseException:
            os.close(output)
            os.close(status)
            raise
        finally:
            os.close(output_end)
            os.close(status_end)
        return os.fdopen(output, "rb"), os.fdopen(status, "rb")


class _Forked:
    """A process that is nobody's child here; its keeper tells of it."""

    def __init__(self, stdout: IO[bytes], status: IO[bytes]) -> None:
        self.stdout, self._status = stdout, status
        said = status.readline()
        if not said:
            stdout.close()
            raise ChildProcessError(
                "the process that imports it has ended. Next: run again; if it says so again, `make setup`"
            )
        self.pid = int(said)
        self.used: Usage | None = None
        self._code: int | None = None

    def poll(self) -> None:
        """Nothing to do: the keeper is its parent."""

    def wait(self) -> int:
        if self._code is None:
            told = self._status.readline().split()
            self._code = int(told[0]) if told else -9  # a keeper that was killed tells nothing
            self.used = Usage(float(told[1]), int(told[2])) if told else None
        return self._code

    def close(self) -> None:
        self.wait()
        self.stdout.close()
        self._status.close()


class _Child:
    """A process of our own."""

    def __init__(self, program: Program) -> None:
        self._process = subprocess.Popen(
            program.arguments,
            cwd=program.folder,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        self.pid, self.stdout = self._process.pid, self._process.stdout
        self.used: Usage | None = None

    def poll(self) -> None:
        self._process.poll()

    def wait(self) -> int:
        return self._process.wait()

    def close(self) -> None:
        self.wait()
        self.stdout.close()


_parent = _Parent()
