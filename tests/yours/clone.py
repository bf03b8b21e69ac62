"""A clone of the project in a folder of its own, with the environment of this one and without its code.

The tracked files are copied and committed to a repository of their own. The environment's editable installs point at
this project, so a `sitecustomize` turns them to the clone, in every process that is started there: what the clone has
deleted is gone, the demo company above all.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ecommerce_pipeline.settings import ROOT

_TURN = """\
import sys

sys.path[:] = [
    {clone!r} + path[{length}:] if (path + "/").startswith({root!r} + "/") and "/.venv/" not in path else path
    for path in sys.path
]
"""
COMMITTER = ["-c", "user.name=a team", "-c", "user.email=team@example.com", "-c", "commit.gpgsign=false"]


@dataclass(frozen=True)
class Clone:
    """A copy of the tracked files, in which commands are typed as a person would."""

    root: Path
    site: Path

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of shell in the clone's root."""
        return subprocess.run(
            ["/bin/bash", "-c", command],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def must(self, command: str) -> str:
        """Run a line that has to succeed; its stdout."""
        done = self.type(command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """This process's, without what the tests or a developer set for their own lake."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHOPSPHERE_", "MELTANO_"))}
        return {**kept, "PYTHONPATH": str(self.site)}

    def write(self, file: str, text: str) -> None:
        """Write one file of the clone, or the end of its .env."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        known = path.read_text() if file == ".env" and path.exists() else ""
        path.write_text(known + text)

    def replace_extractors(self, names: str, block: str) -> None:
        """Put the block of a guide in the place of the named extractors of meltano.yml."""
        path = self.root / "meltano" / "meltano.yml"
        head, _, rest = path.read_text().partition("  extractors:\n")
        extractors, _, tail = rest.partition("  loaders:\n")
        kept = [one for one in _entries(extractors) if not re.match(rf"  - name: ({names})\n", one)]
        path.write_text(f"{head}  extractors:\n{''.join(kept)}{block}  loaders:\n{tail}")


def make(folder: Path) -> Clone:
    """The clone, committed, with `.venv` leading to this project's environment."""
    root, site = folder / "clone", folder / "site"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():  # a file may be deleted and not yet committed so
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    (root / ".venv").symlink_to(Path(sys.executable).parent.parent)
    site.mkdir()
    (site / "sitecustomize.py").write_text(_TURN.format(clone=str(root), length=len(str(ROOT)), root=str(ROOT)))
    clone = Clone(root, site)
    clone.must("git init -q . && git add -A . && git rm -q --cached .venv --ignore-unmatch")
    clone.must(f"git {' '.join(map(repr, COMMITTER))} commit -qm 'The project as cloned'")
    return clone


def _entries(extractors: str) -> list[str]:
    return re.split(r"^(?=  - name: )", extractors, flags=re.MULTILINE)
