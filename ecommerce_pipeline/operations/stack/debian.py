"""Servers that come as Debian packages: found where they are, installed by root where they are not."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Sequence

from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import cache

LOG = logging.getLogger(__name__)
# the package must not start a server of its own
QUIETLY = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=600"]


def server(names: Sequence[str], package: str) -> str | None:
    """Path of the first of these programs that is there; root installs the package if none is. None without it."""
    found = _first(names)
    if found is not None or os.geteuid() != 0 or not shutil.which("apt-get"):
        return found
    cache.folder().mkdir(parents=True, exist_ok=True)
    with (cache.folder() / "debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another starter may be installing it
        if _first(names) is None:
            _install(package)
    return _first(names)


def on_path(name: str) -> str | None:
    """Path of a program, also where only administrators usually look."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join([os.defpath, "/usr/sbin"]))


def _first(names: Sequence[str]) -> str | None:
    return next((path for name in names if (path := on_path(name))), None)


def _install(package: str) -> None:
    # a new machine has no lists of packages, or old ones that name files no longer there
    for what, command in (
        ("reading what Debian has", ["update"]),
        (f"installing {package}, once", ["install", "-y", package]),
    ):
        try:
            cache.run(what, [*QUIETLY, *command], lambda: "Debian's package")
        except ServiceError as error:
            LOG.warning("%s", error)
