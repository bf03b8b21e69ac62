"""Ways to take something away from a command: room on a disk, or an installed package."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

# The folder stands on a disk of its own that is full to the last page, as long as the command runs; what the command
# left on it is there afterwards.
_FULL = """
set -e
folder=$1 aside=$2; shift 2
mkdir -p "$folder"
cp -a "$folder/." "$aside"
mount -t tmpfs -o size=128m tmpfs "$folder"
cp -a "$aside/." "$folder"
cat /dev/zero > "$folder/filler" 2> /dev/null || true
code=0; "$@" || code=$?
rm "$folder/filler"
find "$aside" -mindepth 1 -delete
cp -a "$folder/." "$aside"
umount "$folder"
find "$folder" -mindepth 1 -delete
cp -a "$aside/." "$folder"
exit $code
"""


def full_disk(folder: Path, aside: Path) -> list[str]:
    """A command prefix under which `folder` has no room left; needs Linux, and root or user namespaces."""
    aside.mkdir()
    spaces = "-m" if os.geteuid() == 0 else "-rm"
    return ["unshare", spaces, "/bin/sh", "-c", _FULL, "full-disk", str(folder), str(aside)]


def without_package(name: str, folder: Path) -> list[str]:
    """A command prefix under which a distribution and its module look as if nobody had installed them."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        textwrap.dedent(f"""
        import importlib.machinery, importlib.metadata

        found = importlib.machinery.PathFinder.find_spec
        known = importlib.metadata.Distribution.from_name

        def find_spec(name, path=None, target=None):
            return None if name.split(".")[0] == {name.replace("-", "_")!r} else found(name, path, target)

        def from_name(name):
            if name == {name!r}:
                raise importlib.metadata.PackageNotFoundError(name)
            return known(name)

        importlib.machinery.PathFinder.find_spec = find_spec
        importlib.metadata.Distribution.from_name = from_name
        """)
    )
    return ["env", f"PYTHONPATH={folder}"]
