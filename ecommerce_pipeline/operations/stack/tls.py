"""Trino's certificate: self-signed, for this machine's names, made again a month before it ends.

It is its own authority: who trusts `ca.pem` trusts this server and nothing else. A team with certificates of its own
puts them in the place of these files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from ecommerce_pipeline import env_file
from ecommerce_pipeline.operations.services import ServiceError
from ecommerce_pipeline.settings import Settings

DAYS = 825
MONTH = 30 * 24 * 3600
NAMES = "DNS:localhost,DNS:trino,IP:127.0.0.1"


def server_pem(settings: Settings) -> Path:
    """Key and certificate in one file (0600), `ca.pem` beside it; made if missing or soon over. ServiceError."""
    folder = settings.stack_dir / "tls"
    server, public = folder / "server.pem", folder / "ca.pem"
    if not (server.exists() and public.exists() and _lasts(public)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(folder, server, public)
    return server


def _make(folder: Path, server: Path, public: Path) -> None:
    if shutil.which("openssl") is None:
        raise ServiceError("openssl is missing, and Trino needs a certificate. Next: install the package openssl")
    key, certificate = folder / f"key.{os.getpid()}", folder / f"certificate.{os.getpid()}"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", str(DAYS)]
    name = ["-subj", "/CN=trino", "-addext", f"subjectAltName={NAMES}"]
    command = ["openssl", "req", "-x509", *kind, *name, "-keyout", str(key), "-out", str(certificate)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise ServiceError(f"openssl made no certificate: {made.stderr.strip()[-300:]}. Next: mend that, start again")
    env_file.write_private(server, key.read_text() + certificate.read_text())
    certificate.replace(public)
    key.unlink()


def _lasts(public: Path) -> bool:
    command = ["openssl", "x509", "-checkend", str(MONTH), "-noout", "-in", str(public)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
