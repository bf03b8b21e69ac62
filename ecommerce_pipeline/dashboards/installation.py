"""Superset's own environment: the authority on where it is installed, from which lock, and that it keeps quiet.

It stands in the user's cache, once for all clones with the same lock, because it is large (800 MB) and needs other
releases of SQLAlchemy and pyarrow than the pipeline. The name carries the lock's hash, so a changed lock is another
folder; the stamp is written last, so that an interrupted installation is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ecommerce_pipeline.dashboards.errors import DashboardsError
from ecommerce_pipeline.settings import Settings

VERSION = "6.1.0"
CACHE = Path("~/.cache/shopsphere").expanduser()
STAMP = ".installed"
# What the pages would send to Superset's makers at every sign-in; compiled into the front end, so no setting stops it.
BEACON = re.compile(rb"https://apachesuperset\.gateway\.scarf\.sh/pixel/")
NOWHERE = b"data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=#"


def lock_file(settings: Settings) -> Path:
    """The pinned and hashed packages."""
    return settings.root / "superset" / "requirements.txt"


def environment(settings: Settings) -> Path:
    """The environment's folder for this lock, there or not."""
    digest = hashlib.sha256(lock_file(settings).read_bytes()).hexdigest()
    return CACHE / f"superset-{VERSION}-{digest[:8]}"


def python(settings: Settings) -> Path:
    """The environment's interpreter."""
    return environment(settings) / "bin" / "python"


def is_installed(settings: Settings) -> bool:
    """Whether the environment is there, whole."""
    return (environment(settings) / STAMP).exists()


def site_packages(settings: Settings) -> Path:
    """Where its packages are; raises DashboardsError when it is not installed."""
    for found in environment(settings).glob("lib/python3.*/site-packages"):
        return found
    raise DashboardsError(f"Superset is not installed in {environment(settings)}. Next: `make dashboards`")


def install(settings: Settings) -> None:
    """Makes the environment unless it is there; raises DashboardsError with uv's own words."""
    folder = environment(settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if is_installed(settings):
            return
        _need_room(folder.parent)
        uv = _uv()
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python(settings)),
              str(lock_file(settings))])  # fmt: skip
        _silence(site_packages(settings) / "superset" / "static" / "assets")
        (folder / STAMP).touch()


def _need_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < 1_500_000_000:
        raise DashboardsError(
            f"Superset needs 1.5 GB in {folder} and there are {free // 1_000_000} MB. Next: free space there"
        )


def _silence(assets: Path) -> None:
    """Turns the beacon's address into one that leads nowhere, in files of their own: uv's may be linked to a cache."""
    for script in assets.glob("*.js"):
        text = script.read_bytes()
        if BEACON.search(text):
            partial = script.with_suffix(".partial")
            partial.write_bytes(BEACON.sub(NOWHERE, text))
            os.replace(partial, script)


def _uv() -> str:
    found = shutil.which("uv") or max((str(path) for path in CACHE.glob("uv-*/bin/uv")), default=None)
    if found is None:
        raise DashboardsError(
            "uv, which installs Superset, is neither on the path nor in the cache. Next: `make setup`"
        )
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DashboardsError(
            f"Superset could not be installed: {done.stderr.strip()[-800:]}. Next: mend that, then `make dashboards`; "
            "offline, point UV_INDEX_URL to a mirror of PyPI"
        )
