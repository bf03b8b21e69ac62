"""The dbt project on this machine: where it stands, and a manifest that is never older than its sources.

Dagster, the command line and the tests all read the models from dbt's manifest. Making it costs a `dbt parse`, so it
is made only when a file under `dbt/` was added, removed or changed since, and under a file lock, so that two
processes that start together make it once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from ecommerce_pipeline.settings import Settings
from ecommerce_pipeline.transformation import dbt

GENERATED = {"target", "logs", "dbt_packages"}
PARTIAL_PARSE = "partial_parse.msgpack"  # dbt's own name

Manifest = Mapping[str, Any]


def project_dir(settings: Settings) -> Path:
    """Where `dbt_project.yml` stands."""
    return settings.root / "dbt"


def parse_dir(settings: Settings) -> Path:
    """Where the manifest is kept, one folder a profile; runs write elsewhere, so a reader never meets a half-written
    one.
    """
    return settings.home / "dbt" / settings.profile / "parse"


def build_dir(settings: Settings) -> Path:
    """Where runs write compiled SQL, results and logs."""
    return settings.home / "dbt" / settings.profile / "build"


def branch_dir(settings: Settings, branch: str) -> Path:
    """The same for builds on a branch of somebody's own."""
    return settings.home / "dbt" / settings.profile / "branches" / branch


def with_partial_parse(settings: Settings, target_path: Path) -> Path:
    """The folder for a run, holding the last parse, so that dbt need not parse what has not changed."""
    target_path.mkdir(parents=True, exist_ok=True)
    parsed = parse_dir(settings) / PARTIAL_PARSE
    if parsed.exists():
        shutil.copy2(parsed, target_path)
    else:
        (target_path / PARTIAL_PARSE).unlink(missing_ok=True)  # of another project than the manifest's, it may be
    return target_path


def manifest(settings: Settings) -> Manifest:
    """dbt's manifest of the project as it is now; raises dbt.DbtError with dbt's own words if the project does not
    parse.
    """
    folder = parse_dir(settings)
    stamp = folder / "sources.sha256"
    path = folder / "manifest.json"
    with _locked(folder / ".lock"):
        current = _fingerprint(project_dir(settings))
        if not (path.exists() and stamp.exists() and stamp.read_text() == current):
            dbt.run(settings, ["parse"], project_dir=project_dir(settings), target_path=folder)
            stamp.write_text(current)
    return _load(path, current)


@lru_cache(maxsize=1)
def _load(path: Path, fingerprint: str) -> Manifest:  # noqa: ARG001 (the fingerprint is the cache's key)
    loaded: Manifest = json.loads(path.read_bytes())
    return loaded


def _fingerprint(folder: Path) -> str:
    """Changes with any source file's path, size or time: a stat a file, no reading."""
    digest = hashlib.sha256(str(folder).encode())
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if parts[0] in GENERATED or parts[0].startswith(".") or not path.is_file():
            continue
        stat = path.stat()
        digest.update(f"{'/'.join(parts)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
