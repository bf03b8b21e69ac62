"""A throw-away MariaDB for tests: a real server on loopback whose root comes in by its own socket only and whose
reader has a generated password.

It comes in no wheel: the machine must have it (Debian: `apt-get install mariadb-server`).
"""

from __future__ import annotations

import getpass
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .testing import free_port

MISSING = "MariaDB is not installed here. Next: apt-get install mariadb-server"
START_SECONDS = 60
SETUP = (
    "create user reader@'127.0.0.1' identified by '{password}'",
    "grant select, show view on *.* to reader@'127.0.0.1'",
    "create database shop character set utf8mb4",
)


@dataclass(frozen=True)
class ThrowawayMariaDB:
    """A running server with one database `shop`, its clock five hours ahead of UTC to show what hangs on it."""

    port: int
    password: str
    folder: Path

    @property
    def reader_url(self) -> str:
        """Address of the user the tap reads with."""
        return f"mysql://reader:{self.password}@127.0.0.1:{self.port}/shop"

    def connect(self, **options: Any) -> Any:
        """A pymysql connection as root, in UTC, that takes zero dates; the caller commits."""
        import pymysql  # type: ignore[import-untyped]

        user = getpass.getuser()
        begin = "set time_zone = '+00:00', sql_mode = ''"
        place = {"unix_socket": str(self.folder / "socket"), "user": user, "database": "shop"}
        return pymysql.connect(**{**place, "charset": "utf8mb4", "init_command": begin, **options})

    def execute(self, *statements: str) -> None:
        """Run statements as root, each committed by itself; raises pymysql's errors."""
        connection = self.connect(autocommit=True)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()


def installed() -> bool:
    """Whether the machine has a MariaDB server."""
    return shutil.which("mariadbd") is not None


@contextmanager
def throwaway_mariadb() -> Iterator[ThrowawayMariaDB]:
    """Start a server in a new folder under the system's temporary folder; kill it and delete the folder in the end."""
    folder = Path(tempfile.mkdtemp(prefix="tap-sql-my-"))
    server = ThrowawayMariaDB(free_port(), secrets.token_hex(12), folder)
    common = ["--no-defaults", f"--datadir={folder / 'data'}", f"--user={getpass.getuser()}"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    try:
        root = ["--auth-root-authentication-method=socket", f"--auth-root-socket-user={getpass.getuser()}"]
        subprocess.run(["mariadb-install-db", *common, *root, "--skip-test-db"], check=True, **quiet)
        place = [f"--socket={folder / 'socket'}", f"--port={server.port}", "--bind-address=127.0.0.1"]
        process = subprocess.Popen(
            ["mariadbd", *common, *place, "--default-time-zone=+05:00", "--character-set-server=utf8mb4"], **quiet
        )
        try:
            _await_socket(server, process)
            yield server
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_socket(server: ThrowawayMariaDB, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (server.folder / "socket").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"MariaDB did not start in {server.folder}. Next: run mariadbd there by hand")
        time.sleep(0.05)
    setup = server.connect(database="mysql", autocommit=True)
    try:
        with setup.cursor() as cursor:
            for statement in SETUP:
                cursor.execute(statement.format(password=server.password))
    finally:
        setup.close()
