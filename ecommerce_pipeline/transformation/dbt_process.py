"""dbt in a process that ends with the one that started it.

A run that is killed cannot stop its dbt, and a dbt that goes on would write to the branch that the next run has made
anew under the same name. The starter holds the other end of this process's standard input: when it is closed, by
whatever death, dbt dies. Over it comes one line of JSON that says what to do, asked for only when dbt is imported, so
that the process can be started ahead of its work; nothing is ever written after that.

Of a build only the results are kept. dbt would write out its manifest and graph as well, at every run and for nobody:
a tenth of what a run of the models costs.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = "results.json"  # in dbt's target path; there once dbt has come to its end, whatever the end
FAILED, UNHANDLED = 1, 2  # dbt's own exit codes: a node failed; dbt could not do its work
CHUNK = 1 << 16


@dataclass(frozen=True)
class Task:
    """dbt's arguments, the folder to work in, and variables on top of the environment."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]


def main() -> None:
    """dbt's command line as told, under the starter's eye; exits as dbt would."""
    import dbt.cli.main

    task = _task()
    threading.Thread(target=_end_with_the_starter, name="end-with-the-starter", daemon=True).start()
    os.chdir(task.folder)
    os.environ.update(task.environment)
    if task.arguments[:1] == ["build"]:
        sys.exit(_build(task.arguments))
    dbt.cli.main.cli(task.arguments, prog_name="dbt")


def _task() -> Task:
    text = b""
    while not text.endswith(b"\n"):
        more = os.read(0, CHUNK)  # not sys.stdin: it reads ahead, and a thread blocked in it would hold its lock
        if not more:
            sys.exit(0)  # the starter has no use for it
        text += more
    return Task(**json.loads(text))


def _build(arguments: Sequence[str]) -> int:
    from dbt.cli.main import dbtRunner

    ended: Any = dbtRunner().invoke([*arguments, "--no-write-json"])
    if ended.exception is not None or ended.result is None:
        return UNHANDLED
    _write(ended.result.results, Path(arguments[arguments.index("--target-path") + 1]))
    return 0 if ended.success else FAILED


def _write(results: Iterable[Any], target_path: Path) -> None:
    said = [
        {
            "unique_id": result.node.unique_id,
            "status": str(result.status),
            "execution_time": result.execution_time,
            "failures": result.failures,
            "message": result.message,
            "compiled_code": getattr(result.node, "compiled_code", None),
        }
        for result in results
    ]
    path = target_path / RESULTS
    whole = path.with_suffix(".part")
    whole.write_text(json.dumps({"results": said}), "utf-8")
    whole.replace(path)


def _end_with_the_starter() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
