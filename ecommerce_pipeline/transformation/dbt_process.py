"""dbt in a process that ends with the one that started it.

A run that is killed cannot stop its dbt, and a dbt that goes on would write to the branch that the next run has made
anew under the same name. The starter holds the other end of this process's standard input and never writes: when it
is closed, by whatever death, dbt dies.
"""

from __future__ import annotations

import os
import signal
import threading


def main() -> None:
    """dbt's command line, under the starter's eye."""
    threading.Thread(target=_end_with_the_starter, name="end-with-the-starter", daemon=True).start()
    from dbt.cli.main import cli

    cli(prog_name="dbt")


def _end_with_the_starter() -> None:
    os.read(0, 1)  # not sys.stdin: a thread blocked in it would hold its lock when the interpreter shuts down
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
