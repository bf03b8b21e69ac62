"""The dashboard server: the authority on its processes, on what it is told, and on when it is ready.

Two processes: PostgreSQL with Superset's own records, and Superset under gunicorn, threads in one worker, on
127.0.0.1. What it must know, secrets included, is in one file of mode 0600 whose path is all its environment tells.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from ecommerce_pipeline.dashboards import installation, metadata_store
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.places import Places, known_port, port, secret
from ecommerce_pipeline.dashboards.processes import Process
from ecommerce_pipeline.env_file import keep, write_private
from ecommerce_pipeline.settings import Settings

NAME, ADMIN, USUAL_PORT = "superset", "admin", 8088
POINTER = "SHOPSPHERE_SUPERSET_SERVER"  # the variable that names the file
THREADS = 8


def folder(settings: Settings) -> Path:
    """Superset's configuration, roles and assets in git."""
    return settings.root / "superset"


def address(settings: Settings) -> str:
    """Where it answers; raises DashboardsError before its first start."""
    if settings.superset_url:
        return settings.superset_url.rstrip("/")
    number = known_port(Places.of(settings), NAME)
    if number is None:
        raise DashboardsError("the dashboard server was never started here. Next: `make dashboards`")
    return f"http://127.0.0.1:{number}"


def credentials(settings: Settings) -> tuple[str, str]:
    """The name and password by which the pipeline signs in."""
    given = settings.superset_password.get_secret_value()
    return settings.superset_user, given or secret(Places.of(settings), "admin")


def answers(url: str, seconds: float = 2.0) -> bool:
    """Whether a healthy Superset is there."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=seconds) as response:  # noqa: S310 (http by settings)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def is_running(settings: Settings) -> bool:
    """Whether these settings' server answers."""
    try:
        return answers(address(settings))
    except DashboardsError:
        return False


def prepare(settings: Settings) -> None:
    """Makes or upgrades Superset's records and the administrator, with PostgreSQL running; once a release.

    Raises DashboardsError with the end of what Superset said.
    """
    places = Places.of(settings)
    _write_facts(settings, places)
    stamp = _stamp(settings)
    if places.bootstrapped.exists() and places.bootstrapped.read_text() == stamp:
        return
    command = ["env", *_environment(settings), str(installation.python(settings)), "bootstrap.py"]
    done = subprocess.run(command, cwd=folder(settings), capture_output=True, text=True, check=False,
                          input=json.dumps({"user": ADMIN, "password": secret(places, "admin")}))  # fmt: skip
    if done.returncode:
        raise DashboardsError(f"Superset could not prepare its records: {done.stderr.strip()[-1500:]}")
    places.bootstrapped.write_text(stamp)


def process(settings: Settings) -> Process:
    """Superset itself, after `prepare`."""
    places = Places.of(settings)
    url = f"http://127.0.0.1:{_port(places)}"
    listening = ["--bind", url.removeprefix("http://"), "--worker-class", "gthread", "--workers", "1"]
    limits = [
        "--threads",
        str(THREADS),
        "--timeout",
        "120",
        "--graceful-timeout",
        "10",
        "--keep-alive",
        "5",
        "--no-control-socket",
    ]
    return Process(
        name=NAME,
        command=[
            str(installation.python(settings)),
            "-m",
            "gunicorn",
            *listening,
            *limits,
            "superset.app:create_app()",
        ],
        env=dict(pair.split("=", 1) for pair in _environment(settings)),
        ready=lambda: answers(url),
        directory=folder(settings),
    )


def write_connection(settings: Settings) -> None:
    """Puts the address and the administrator's password into the settings' file."""
    places = Places.of(settings)
    values = {
        "SHOPSPHERE_SUPERSET_URL": f"http://127.0.0.1:{_port(places)}",
        "SHOPSPHERE_SUPERSET_USER": ADMIN,
        "SHOPSPHERE_SUPERSET_PASSWORD": secret(places, "admin"),
    }
    keep(settings.env_file, values)


def _port(places: Places) -> int:
    return port(places, NAME, USUAL_PORT, lambda number: answers(f"http://127.0.0.1:{number}"))


def _write_facts(settings: Settings, places: Places) -> None:
    facts = {
        "secret_key": secret(places, "secret_key"),
        "metadata_uri": metadata_store.uri(settings),
        "cache": str(places.cache),
        "lake": str(places.lake),
        "remember_answers": settings.profile == "stack",
    }
    write_private(places.server, json.dumps(facts, indent=1))


def _environment(settings: Settings) -> list[str]:
    here = folder(settings)
    return [
        f"{POINTER}={Places.of(settings).server}",
        f"SUPERSET_CONFIG_PATH={here / 'superset_config.py'}",
        f"PYTHONPATH={here}",
        "PYTHONUNBUFFERED=1",
        "SCARF_ANALYTICS=false",
    ]


def _stamp(settings: Settings) -> str:
    digest = hashlib.sha256((folder(settings) / "bootstrap.py").read_bytes()).hexdigest()
    return f"{installation.environment(settings).name} {digest[:16]}"
