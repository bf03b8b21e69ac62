"""Trino's own files: fetched once, checked, and cut down to the plugins in use.

The full archive is the only one with the event listeners. Maven fetches it: it goes on where an interrupted
download stopped, and compares the repository's checksum; the one pinned here is compared on top, and an archive that
does not match is fetched once more.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import cache

VERSION = "476"
ARTIFACT = f"io.trino:trino-server:{VERSION}:tar.gz"
SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
BYTES = 821_045_832
# Every plugin costs start-up time: only these are kept.
PLUGINS = {
    "exchange-filesystem",
    "http-event-listener",
    "iceberg",
    "jmx",
    "openlineage",
    "password-authenticators",
    "resource-group-managers",
    "session-property-managers",
    "tpch",
}


def home() -> Path:
    """Folder with Trino's `lib` and `plugin`, fetched at first use. Raises ServiceError."""
    return cache.entry(f"trino-{VERSION}", _unpack)


def _unpack(target: Path) -> None:
    archive = _archive()
    # All of it, then less: plugins share files by hard links, which a partial unpacking cannot follow.
    command = ["tar", "xzf", str(archive), "-C", str(target), "--strip-components=1"]
    cache.run("unpacking Trino", command, lambda: f"{cache.size(target) / 1e6:.0f} MB")
    for plugin in (target / "plugin").iterdir():
        if plugin.name not in PLUGINS:
            shutil.rmtree(plugin)
    archive.unlink()  # 800 MB that nothing needs any more


def _archive() -> Path:
    """The checked archive: one that was put into the cache by hand, or Maven's."""
    by_hand = cache.folder() / f"trino-server-{VERSION}.tar.gz"
    if by_hand.exists() and cache.sha256(by_hand) == SHA256:
        return by_hand
    repository = cache.folder() / "maven"
    folder = repository / "io" / "trino" / "trino-server" / VERSION
    archive = folder / by_hand.name
    for _attempt in range(2):
        _fetch(repository, folder)
        if archive.exists() and cache.sha256(archive) == SHA256:
            return archive
        shutil.rmtree(folder, ignore_errors=True)
    raise ServiceError(
        f"{ARTIFACT} does not have the checksum it must have, twice. Next: look at the network between here and "
        f"the Maven repository, or put the right archive at {by_hand}"
    )


def _fetch(repository: Path, folder: Path) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise ServiceError(
            f"Trino is fetched by Maven, and `mvn` is missing. Next: install Maven (Debian: apt-get install maven), or "
            f"put trino-server-{VERSION}.tar.gz into {cache.folder()}, and start again"
        )
    command = [mvn, "-B", "-C", "-ntp", f"-Dmaven.repo.local={repository}"]
    goal = ["dependency:get", f"-Dartifact={ARTIFACT}", "-Dtransitive=false"]
    what = f"fetching Trino {VERSION}, once"
    cache.run(what, [*command, *goal], lambda: f"{_fetched(folder) / 1e6:.0f} of {BYTES / 1e6:.0f} MB")


def _fetched(folder: Path) -> int:
    return cache.size(folder) if folder.exists() else 0
