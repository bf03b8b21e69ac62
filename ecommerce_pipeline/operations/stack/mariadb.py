"""MariaDB as a native process: the shop's orders database, where the machine has one.

Debian's package is used; root installs it if it is missing. Without it, `program` is None and the caller says what
takes its place. Users and database are set by a file that the server reads at every start, before it takes anybody's
request, so a changed password is in force after the next start.
"""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
from pathlib import Path

from ecommerce_pipeline import env_file
from ecommerce_pipeline.operations.services import Program, ServiceError
from ecommerce_pipeline.operations.stack import accounts, debian
from ecommerce_pipeline.operations.stack.secrets import secret
from ecommerce_pipeline.settings import Settings

LOG = logging.getLogger(__name__)
CONFIG = """[mariadbd]
bind-address = 127.0.0.1
port = {port}
datadir = {data}
socket = mariadb.sock
pid-file = {folder}/mariadb.pid
init-file = {folder}/init.sql
skip-name-resolve
character-set-server = utf8mb4
collation-server = utf8mb4_bin
default-time-zone = +00:00
performance-schema = OFF
innodb-buffer-pool-size = 128M
"""
INIT = """ALTER USER 'root'@'localhost' IDENTIFIED BY '{root}';
CREATE DATABASE IF NOT EXISTS shop;
CREATE USER IF NOT EXISTS 'shop'@'%' IDENTIFIED BY '{shop}';
ALTER USER 'shop'@'%' IDENTIFIED BY '{shop}';
GRANT ALL ON shop.* TO 'shop'@'%';
CREATE USER IF NOT EXISTS 'meltano'@'%' IDENTIFIED BY '{reader}';
ALTER USER 'meltano'@'%' IDENTIFIED BY '{reader}';
GRANT SELECT, SHOW VIEW ON shop.* TO 'meltano'@'%';
"""


def program(settings: Settings) -> Program | None:
    """MariaDB on the settings' port, its data made at first use; None if the machine has none. Raises ServiceError."""
    server = debian.server(["mariadbd"], "mariadb-server")
    if server is None:
        return None
    folder = settings.stack_dir / "mariadb"
    data, user = folder / "data", accounts.run_as("mysql", "mariadb")
    accounts.own_folder(folder, user)
    if not (data / "mysql").exists():
        _make(data, user)
    _write(folder / "my.cnf", CONFIG.format(port=settings.mariadb_port, data=data, folder=folder), user)
    passwords = {role: secret(settings, f"mariadb_{role}_password") for role in ("root", "shop", "reader")}
    _write(folder / "init.sql", INIT.format(**passwords), user)
    return Program(
        name="mariadb",
        command=[server, f"--defaults-file={folder / 'my.cnf'}"],
        ready=lambda: is_ready(settings),
        ports={"SHOPSPHERE_MARIADB_PORT": settings.mariadb_port},
        user=user,
        directory=folder,
        stop_seconds=30,
    )


def is_ready(settings: Settings) -> bool:
    """Whether the server greets a client, which it does when it has read its users."""
    try:
        with socket.create_connection(("127.0.0.1", settings.mariadb_port), 2) as connection:
            connection.settimeout(2)
            greeting = connection.recv(64)
    except OSError:
        return False
    return b"MariaDB" in greeting


def _make(data: Path, user: str | None) -> None:
    """The system tables; an interrupted attempt is thrown away."""
    LOG.info("making MariaDB's system tables in %s", data)
    shutil.rmtree(data, ignore_errors=True)
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    accounts.own_folder(partial, user)
    options = ["--no-defaults", f"--datadir={partial}", "--auth-root-authentication-method=normal", "--skip-test-db"]
    command = [debian.on_path("mariadb-install-db") or "mariadb-install-db", *options]
    made = subprocess.run(command, capture_output=True, text=True, check=False, **accounts.identity(user))
    if made.returncode:
        words = (made.stderr or made.stdout).strip()[-500:]
        raise ServiceError(f"MariaDB's system tables could not be made in {data}: {words}. Next: mend that")
    partial.rename(data)


def _write(path: Path, text: str, user: str | None) -> None:
    env_file.write_private(path, text)
    if user:
        shutil.chown(path, user)
