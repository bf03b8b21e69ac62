"""Runs publications that are killed: one line of JSON on stdin, one child process, one line on stdout.

The line names the lake, the branch and the moment at which the child kills itself with SIGKILL: before or after the
n-th SQL statement of its publication, at its commit, or at its end. Forking after the imports makes a victim cost
milliseconds, not seconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pyiceberg.io.pyarrow  # noqa: F401 - a second's import that every child would repeat
from sqlalchemy import event

from ecommerce_pipeline.lakehouse import database
from ecommerce_pipeline.lakehouse.publish import publish
from ecommerce_pipeline.settings import Settings


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def publish_and_die(order: dict) -> None:
    settings = Settings(_env_file=None, home=Path(order["home"]), lake_catalog_uri=order["uri"])
    engine = database.engine(settings)
    count = 0

    def before(*_) -> None:
        nonlocal count
        count += 1
        if order["moment"] == "before" and count == order["statement"]:
            die()

    def after(*_) -> None:
        if order["moment"] == "after" and count == order["statement"]:
            die()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)

    def at_commit(connection) -> None:
        if order["moment"] == "commit" and connection.get_execution_options().get("writes"):
            print(json.dumps({"statements": count}), flush=True)
            die()

    event.listen(engine, "commit", at_commit)
    publish(settings, order["branch"])
    die()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                publish_and_die(json.loads(line))
            finally:
                os._exit(70)  # an error of its own: the test must see it
        _, status = os.waitpid(child, 0)
        print(json.dumps({"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None}), flush=True)


if __name__ == "__main__":
    main()
