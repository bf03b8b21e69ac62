"""System users: PostgreSQL and MariaDB refuse to run as root, so root runs them as another."""

from __future__ import annotations

import logging
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

from ecommerce_pipeline.operations.services import ServiceError

LOG = logging.getLogger(__name__)


def run_as(*preferred: str) -> str | None:
    """The system user to run a server as: None for the present one; for root the first that exists of `preferred`,
    the last of them made if none does. Raises ServiceError.
    """
    if os.geteuid() != 0:
        return None
    for name in preferred:
        if _exists(name):
            return name
    command = ["useradd", "--system", "--shell", "/usr/sbin/nologin", preferred[-1]]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise ServiceError(
            f"the system user {preferred[-1]} could not be made: {made.stderr.strip()}. Next: run as another user "
            "than root"
        )
    return preferred[-1]


def identity(user: str | None) -> dict[str, Any]:
    """Arguments of subprocess.run that make the command run as that user."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def own_folder(path: Path, user: str | None) -> None:
    """Make the folder (0700) in the hands of the user, who may pass through every folder above it."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if user:
        shutil.chown(path, user, pwd.getpwnam(user).pw_gid)
        let_pass(path)


def let_pass(path: Path) -> None:
    """Let others pass through (not list) each folder above `path`, which are made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in path.resolve().parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            LOG.info("letting other users pass through %s", folder)
            folder.chmod(mode | stat.S_IXOTH)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
