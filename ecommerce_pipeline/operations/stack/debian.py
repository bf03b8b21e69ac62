"""Servers that come as Debian packages: found where they are, installed by root where they are not."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence

from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import cache

LOG = logging.getLogger(__name__)
# the package must not start a server of its own
INSTALL = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "install", "-y", "-q"]


def server(names: Sequence[str], package: str) -> str | None:
    """Path of the first of these programs that is there; root installs the package if none is. None without it."""
    found = _first(names)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(package)
        found = _first(names)
    return found


def on_path(name: str) -> str | None:
    """Path of a program, also where only administrators usually look."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join([os.defpath, "/usr/sbin"]))


def _first(names: Sequence[str]) -> str | None:
    return next((path for name in names if (path := on_path(name))), None)


def _install(package: str) -> None:
    cache.folder().mkdir(parents=True, exist_ok=True)
    try:
        cache.run(f"installing {package}, once", [*INSTALL, package], lambda: "Debian's package")
    except ServiceError as error:
        LOG.warning("%s", error)
