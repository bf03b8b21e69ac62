"""Meltano, imported once and forked for each `meltano run`: the program behind `starter`.

Importing Meltano costs more than most increments, and a run of the pipeline starts it once an extractor. This process
imports it once and waits on its standard input, a Unix socket. For each request it forks a keeper, which forks the
Meltano process, tells its id and in the end its exit code, and is gone. It has no thread and opens nothing, so that a
fork of it is as good as a new interpreter. When the socket is closed, by whatever death of its starter, it ends;
a Meltano that is running goes on, as it would on its own.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

# what a run of Meltano imports: itself, the state backend, and what they import late
PRELOADED = (
    "meltano.cli",
    "meltano_iceberg_state.backend",
    "alembic.command",
    "mako.template",
    "anyio._backends._asyncio",
)
CHUNK = 1 << 16
KILOBYTE = 1024  # the unit of ru_maxrss on Linux


def main() -> None:
    """Serve requests until the starter is gone."""
    for module in PRELOADED:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers leave no zombie
    with socket.socket(fileno=0) as control:
        while received := _receive(control):
            request, output, status = received
            if os.fork() == 0:
                control.close()
                _keep(request, output, status)
            os.close(output)
            os.close(status)


def _receive(control: socket.socket) -> tuple[Mapping[str, Any], int, int] | None:
    """A request, which is one line of JSON, with the ends of two pipes: for what is said, and for what became of it."""
    text, files, _, _ = socket.recv_fds(control, CHUNK, 2)
    while text and not text.endswith(b"\n"):
        more = control.recv(CHUNK)
        if not more:
            return None
        text += more
    return (json.loads(text), files[0], files[1]) if text else None


def _keep(request: Mapping[str, Any], output: int, status: int) -> NoReturn:
    """Start Meltano and stay until it has ended, to tell its exit code (negative: the signal that killed it), the
    CPU seconds of the whole run and the memory of its largest process in bytes.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _become_meltano(request, output)
    with suppress(OSError):  # it did so itself already, or is gone
        os.setpgid(pid, pid)  # before its id is told: whoever hears it may end the group at once
    os.close(output)
    for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)  # whom they are meant for ends by itself, and that is to be told
    with suppress(BrokenPipeError):  # the starter is gone, and nobody asks
        os.write(status, b"%d\n" % pid)
        _, ended, used = os.wait4(pid, 0)  # with what tap and target used, for whom Meltano has waited
        told = (os.waitstatus_to_exitcode(ended), used.ru_utime + used.ru_stime, used.ru_maxrss * KILOBYTE)
        os.write(status, b"%d %f %d\n" % told)
    os._exit(0)


def _become_meltano(request: Mapping[str, Any], output: int) -> NoReturn:
    """Go on as if this process had been started with the request's arguments, folder and environment."""
    os.setpgid(0, 0)  # the session is the importer's own and has no terminal
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a starter in a shell's background may ignore both
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = list(request["arguments"])
    code = 1
    try:
        sys.modules["meltano.cli"].main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
