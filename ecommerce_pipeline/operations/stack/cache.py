"""What is fetched or built once and used by every clone: the authority on `~/.cache/shopsphere`.

An entry is a folder that appears under its name only when it is complete; what an interruption, a full disk or a failed
command leaves is thrown away by the next attempt. Two starters at once wait for one another. Whatever takes longer than
a few seconds says how far it is.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ecommerce_pipeline.operations.services import ServiceError

LOG = logging.getLogger(__name__)
TELL_EVERY = 5.0  # seconds between two words on how far a command is


def folder() -> Path:
    """The cache."""
    return Path.home() / ".cache" / "shopsphere"


def entry(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name, made by `make` in a folder of its own if it is not there; raises ServiceError."""
    wanted = folder() / name
    if wanted.exists():
        return wanted
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wanted.exists():
            partial = folder() / f"{name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            try:
                make(partial)
            except OSError as error:
                raise _said(error) from error
            partial.rename(wanted)
    return wanted


def run(what: str, command: Sequence[str], how_far: Callable[[], str], env: Mapping[str, str] | None = None) -> None:
    """Run a command that takes long, saying `what` and `how_far` now and then; ServiceError with its last words."""
    log = folder() / "last-command.log"
    began = told = time.monotonic()
    LOG.info("%s", what)
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
        try:
            while process.poll() is None:
                time.sleep(0.2)
                if time.monotonic() - told > TELL_EVERY:
                    told = time.monotonic()
                    LOG.info("%s: %s, %.0f seconds", what, how_far(), told - began)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode:
        words = " | ".join(log.read_text("utf-8", errors="replace").strip().splitlines()[-3:])
        raise ServiceError(
            f"{what} failed: {words or 'it said nothing'}{_no_room(words)}. Next: read {log}, mend that and start again"
        )


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [found for found in path.rglob("*") if found.is_file()]
    return sum(found.stat().st_size for found in files if found.exists())


def _said(error: OSError) -> ServiceError:
    if error.errno == errno.ENOSPC:
        return ServiceError(f"the disk is full: no room is left in {folder()}. Next: free 3 GB there and start again")
    return ServiceError(f"{folder()} cannot be filled: {error}. Next: mend that and start again")


def _no_room(words: str) -> str:
    full = "No space left" in words or shutil.disk_usage(folder()).free < 10_000_000
    return f" (the disk of {folder()} is full: free 3 GB there)" if full else ""
