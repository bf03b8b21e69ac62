"""The dashboard server: the authority on its processes, on its address, and on when it is ready.

Superset under gunicorn on 127.0.0.1, threads in one worker, in two where a team reads; its records are in PostgreSQL.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from ecommerce_pipeline.dashboards import facts, installation, metadata_store
from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.dashboards.places import Places, known_port, port, secret
from ecommerce_pipeline.dashboards.processes import Process
from ecommerce_pipeline.env_file import keep
from ecommerce_pipeline.settings import Settings

NAME, MAIL, USUAL_PORT = "superset", "superset-mail", 8088
THREADS = 8
WORKERS = {"embedded": 1, "stack": 2}  # 320 MB each; Python computes with one core of a worker


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
    """Makes or upgrades Superset's records and the administrator, with PostgreSQL running; once a release, and again
    when the records were lost or restored.

    Raises DashboardsError with the end of what Superset said.
    """
    places = Places.of(settings)
    facts.write(settings, f"http://127.0.0.1:{_port(places)}")
    stamp = _stamp(settings, secret(places, "admin"))
    if metadata_store.prepared_for(settings) == stamp:
        return
    command = ["env", *facts.environment(settings), str(installation.python(settings)), "bootstrap.py"]
    told = json.dumps({"user": facts.ADMINISTRATOR, "password": secret(places, "admin")})
    done = subprocess.run(command, cwd=facts.folder(settings), capture_output=True, text=True, check=False, input=told)
    if done.returncode:
        raise DashboardsError(f"Superset could not prepare its records: {done.stderr.strip()[-1500:]}")
    metadata_store.note_prepared(settings, stamp)


def was_started(settings: Settings) -> bool:
    """Whether a server was ever started here."""
    return known_port(Places.of(settings), NAME) is not None


def processes(settings: Settings) -> list[Process]:
    """All that is kept running, after `prepare`."""
    return [_web(settings), *([_mail(settings)] if facts.mail_is_sent(settings) else [])]


def _mail(settings: Settings) -> Process:
    """The worker that sends reports, with the clock that says what is due."""
    places = Places.of(settings)
    quietly = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    worker = ["worker", "--beat", "--concurrency", "1", "--max-tasks-per-child", "50", *quietly]
    return Process(
        name=MAIL,
        command=[str(installation.python(settings)), "-m", "celery", "--app=superset.tasks.celery_app:app", *worker],
        env=dict(pair.split("=", 1) for pair in facts.environment(settings)),
        ready=lambda: _lives(places.mailing),
        directory=facts.folder(settings),
    )


def _lives(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text("utf-8")), 0)
    except (OSError, ValueError):
        return False
    return True


def _web(settings: Settings) -> Process:
    places = Places.of(settings)
    url = f"http://127.0.0.1:{_port(places)}"
    workers = str(WORKERS[settings.profile])
    listening = ["--bind", url.removeprefix("http://"), "--worker-class", "gthread", "--workers", workers]
    limits = ["--threads", str(THREADS), "--timeout", "120", "--graceful-timeout", "10", "--keep-alive", "5"]
    python = str(installation.python(settings))
    return Process(
        name=NAME,
        command=[python, "-m", "gunicorn", *listening, *limits, "--no-control-socket", "superset.app:create_app()"],
        env=dict(pair.split("=", 1) for pair in facts.environment(settings)),
        ready=lambda: answers(url),
        directory=facts.folder(settings),
    )


def write_connection(settings: Settings) -> None:
    """Puts the address and the administrator's password into the settings' file."""
    places = Places.of(settings)
    values = {
        "SHOPSPHERE_SUPERSET_URL": f"http://127.0.0.1:{_port(places)}",
        "SHOPSPHERE_SUPERSET_USER": facts.ADMINISTRATOR,
        "SHOPSPHERE_SUPERSET_PASSWORD": secret(places, "admin"),
    }
    keep(settings.env_file, values)


def _port(places: Places) -> int:
    return port(places, NAME, USUAL_PORT, lambda number: answers(f"http://127.0.0.1:{number}"))


def _stamp(settings: Settings, password: str) -> str:
    """Release, set-up, and which password the administrator was given: restored records may know another."""
    given = hashlib.sha256((facts.folder(settings) / "bootstrap.py").read_bytes() + password.encode())
    return f"{installation.environment(settings).name} {given.hexdigest()[:16]}"
