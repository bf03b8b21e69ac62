"""The company's long-lived processes: PostgreSQL and the HubSpot-like API, as programs for the supervisor.

Each has a port on 127.0.0.1 that is chosen once and kept in `var/sources/ports.json`. When somebody else has taken it
meanwhile, another is chosen, and the log says so: write the connection settings anew after every start.
"""

from __future__ import annotations

import json
import logging
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psycopg

from ecommerce_pipeline.env_file import write_private
from ecommerce_pipeline.operations.services import Program
from ecommerce_pipeline.ports import any_free, is_free
from shopsphere import postgres
from shopsphere.state import Places, read_json, secret

LOG = logging.getLogger(__name__)


def programs(home: Path, *, own_databases: bool = True) -> list[Program]:
    """What the supervisor is to run for the company below `home`: the API, and a PostgreSQL if the databases are its
    own, whose cluster is made first if there is none.
    """
    api = _api(home, _port(home, "hubspot"))
    if not own_databases:
        return [api]
    postgres.prepare(home)
    return [_database(home, _port(home, "postgres")), api]


def port(home: Path, name: str) -> int:
    """The port in use for `postgres` or `hubspot`, chosen now if there is none yet."""
    known = read_json(Places(home).ports).get(name)
    return int(known) if known else _port(home, name)


def _port(home: Path, name: str) -> int:
    """The recorded port if it is free or ours already, else another."""
    ports = read_json(Places(home).ports)
    known = ports.get(name)
    if known and (is_free(known) or OURS[name](home, known)):
        return int(known)
    ports[name] = any_free()
    write_private(Places(home).ports, json.dumps(ports))
    if known:
        LOG.warning(
            "port %d of %s is taken by another program: %s moves to %d, its connection setting changes",
            known,
            name,
            name,
            ports[name],
        )
    return int(ports[name])


def _database(home: Path, port: int) -> Program:
    data = Places(home).pg
    return Program(
        name="postgres",
        command=[postgres.binary("postgres"), "-D", str(data), "-p", str(port)],
        ready=lambda: _postgres_is_ours(home, port),
        user=postgres.run_as(),
        directory=data,
        stop_signal="INT",  # fast shutdown: does not wait for clients
        stop_seconds=30,
    )


def _postgres_is_ours(home: Path, port: int) -> bool:
    """Whether the server on that port knows our password and serves our data folder."""
    try:
        with psycopg.connect(
            postgres.url(port, "postgres", postgres.ADMIN, secret(home, "postgres")), connect_timeout=2
        ) as db:
            row = db.execute("SHOW data_directory").fetchone()
    except psycopg.Error:
        return False
    return row is not None and Path(row[0]).resolve() == Places(home).pg.resolve()


def _api(home: Path, port: int) -> Program:
    return Program(
        name="hubspot",
        command=[sys.executable, "-m", "shopsphere.hubspot_api", "--home", str(home), "--port", str(port)],
        ready=lambda: _api_is_ours(home, port),
    )


def _api_is_ours(home: Path, port: int) -> bool:
    """Whether the server on that port takes our token."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/health", headers={"Authorization": f"Bearer {secret(home, 'hubspot')}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310 - always http on loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


OURS = {"postgres": _postgres_is_ours, "hubspot": _api_is_ours}
